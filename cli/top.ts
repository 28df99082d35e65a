// `flametrail top`: which functions burn the CPU right now? A live table in the terminal, plain tables elsewhere; from the
// sampler of this machine, or from a backend.
//   exit 0  asked to end, or all tables were shown      1  it could not be done      2  wrong usage
import type { ReadStream, WriteStream } from 'node:tty'
import { CannotSample } from '../bpf-agent/kernel/load.ts'
import { createRecordParts } from '../bpf-agent/record-parts.ts'
import { createClient } from './client.ts'
import { type Command, parseArguments, Refusal, UsageError } from './command.ts'
import { findTargets } from './record/targets.ts'
import { openBackendSource } from './top/backend-source.ts'
import { layOut } from './top/layout.ts'
import { openLocalSource } from './top/local-source.ts'
import { printView } from './top/plain.ts'
import { TOP_SETTINGS } from './top/settings.ts'
import type { Source } from './top/source.ts'
import { press, startState } from './top/state.ts'
import { openTerminal } from './top/terminal.ts'
import type { TopView } from './top/view.ts'

const LOCAL_SPAN_MS = 10_000
const BACKEND_SPAN_MS = 60_000

type Values = ReturnType<typeof parseArguments<typeof TOP_SETTINGS>>['values']

export const top: Command = {
  purpose: 'the hottest functions right now, live: of this machine, some processes, or a backend',
  examples: [
    'flametrail top',
    'flametrail top --pid 4711 -d 30',
    'flametrail top -n 1 --sort total > now.txt',
    `flametrail top --from-backend '{service_name="api"}'`,
  ],
  table: TOP_SETTINGS,
  run: async (argv) => {
    const { values, rest } = parseArguments(TOP_SETTINGS, argv)
    const said: string[] = [] // talk must not fall into the picture: it is said afterwards
    const log = (line: string) => (isLive() ? said.push(line) : talk(line))
    const source = openSource(values, { argv, words: rest, log })
    try {
      await (isLive() ? showLive : showPlain)(source, values, stopSignal())
      return 0
    } catch (error) {
      return refuseCannotSample(error)
    } finally {
      source.close()
      for (const line of said) talk(line)
    }
  },
}

const talk = (line: string) => process.stderr.write(`flametrail top: ${line}\n`)
const isLive = () => process.stdout.isTTY === true && process.env.TERM !== 'dumb'

interface Asked {
  readonly argv: readonly string[]
  readonly words: readonly string[]
  readonly log: (line: string) => void
}

function openSource(values: Values, { argv, words, log }: Asked): Source {
  // The variable FLAMETRAIL_BACKEND says where a backend is, not that one is meant: the agent has it too.
  const isBackendMeant = values['from-backend'] || argv.some((word) => /^--backend(=|$)/.test(word))
  return isBackendMeant ? openBackend(values, words) : openLocal(values, words, log)
}

function openBackend(values: Values, words: readonly string[]): Source {
  if (values.pid.length + values.cgroup.length > 0)
    throw new UsageError(
      `--pid and --cgroup choose what is sampled here, a backend is asked by a selector: flametrail top --from-backend '{service_name="api"}'`,
    )
  if (words.length > 1)
    throw new UsageError(
      `one selector at most, got ${words.length}: ${words.join(' ')}; quote it: '{service_name="api"}'`,
    )
  return openBackendSource({
    client: createClient({ backend: values.backend, tokenFile: values['token-file'] }),
    backend: values.backend,
    selector: words[0] ?? '{}',
    spanMs: Math.max(values.duration || BACKEND_SPAN_MS, values.interval),
    intervalMs: values.interval,
  })
}

function openLocal(values: Values, words: readonly string[], log: (line: string) => void): Source {
  if (words.length > 0)
    throw new UsageError(
      `flametrail top takes no words, got "${words.join(' ')}"; --pid and --cgroup choose what is sampled, a selector needs --from-backend`,
    )
  const targets = findTargets({ pids: values.pid, cgroups: values.cgroup, command: [] })
  const options = {
    frequencyHz: values.frequency,
    targets,
    spanMs: Math.max(values.duration || LOCAL_SPAN_MS, values.interval), // a window is never shorter than a slice
    intervalMs: values.interval,
  }
  try {
    return openLocalSource(options, createRecordParts({ frequencyHz: values.frequency, log }))
  } catch (error) {
    return refuseCannotSample(error)
  }
}

interface Stop {
  readonly asked: Promise<void>
  readonly isAsked: boolean
  readonly ask: () => void
}

/** Views as they come, until the last of -n, until we are asked to end, or until nobody is left. */
async function showPlain(source: Source, { sort, limit, count }: Values, stop: Stop): Promise<void> {
  process.stdout.on('error', stop.ask) // a reader that has seen enough: `| head`
  for (let shown = 0; count === 0 || shown < count; shown++) {
    const view = await source.next({ sort, stopped: stop.asked })
    if (stop.isAsked) return
    process.stdout.write(printView(view, { words: source.words, sort, limit, nowMs: Date.now() }))
    if (source.isOver) return
  }
}

/** A screen that follows views, keys and the size of the window. */
async function showLive(source: Source, { sort, count }: Values, stop: Stop): Promise<void> {
  let state = startState(sort)
  let view = NOTHING_YET
  const screen = () => layOut({ view, words: source.words, state }, terminal.size())
  const draw = () => terminal.paint(screen())
  const terminal = openTerminal({
    stdout: process.stdout as WriteStream,
    stdin: process.stdin.isTTY ? (process.stdin as ReadStream) : undefined,
    onKeys: (keys) => {
      for (const key of keys) state = press(state, key, screen().page)
      draw()
      if (state.isOver) stop.ask()
    },
    onResize: draw,
    onGone: stop.ask,
  })
  void stop.asked.then(terminal.close) // at once, whatever the source still waits for
  try {
    draw()
    for (let shown = 0; !stop.isAsked && (count === 0 || shown < count); shown++) {
      const next = await source.next({ sort: state.sort, stopped: stop.asked })
      if (!state.isPaused) view = next
      draw()
    }
  } finally {
    terminal.close()
  }
}

const NOTHING_YET: TopView = {
  rows: { name: [], file: [], mapping: [], service: [], self: new Float64Array(), total: new Float64Array() },
  ...{ all: 0, samples: 0, seconds: 0, perCoreSecond: 1, endEarly: 0, notes: [] },
  ...{ services: undefined, cpus: undefined },
}

function stopSignal(): Stop {
  let isAsked = false
  let resolve: () => void = () => {}
  const asked = new Promise<void>((resolveAsked) => {
    resolve = resolveAsked
  })
  const ask = () => {
    isAsked = true
    resolve()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask)
  return {
    asked,
    ask,
    get isAsked() {
      return isAsked
    },
  }
}

function refuseCannotSample(error: unknown): never {
  if (error instanceof CannotSample) throw new Refusal(error.message)
  throw error
}
