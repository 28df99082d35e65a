// `flametrail record`: what do these processes do? Samples them without a backend, writes files, shows the ten
// hottest functions.
//   exit 0  samples came      1  none came, or it could not be done: nothing is written      2  wrong usage
import { CannotSample } from '../bpf-agent/kernel/load.ts'
import { type Recording, record as sample } from '../bpf-agent/record.ts'
import { createRecordParts } from '../bpf-agent/record-parts.ts'
import { type Command, parseArguments, Refusal, UsageError } from './command.ts'
import { printBytes } from './output.ts'
import { type Launched, launch } from './record/launch.ts'
import { explainNoSamples } from './record/no-samples.ts'
import { EXTENSIONS, type OutputFile, openOutput } from './record/output-file.ts'
import { RECORD_SETTINGS } from './record/settings.ts'
import { findTargets, type Targets } from './record/targets.ts'
import { printTop, topOfProfile } from './top-table.ts'

const TOP_ROWS = 10
const DURATION_MS = 30_000
const STOP_MS = 5_000 // a command that has not ended by then is killed

export const record: Command = {
  purpose: `sample this machine, some processes or a command, and write ${EXTENSIONS.join(', ')}`,
  examples: [
    'flametrail record -d 10 -o cpu.html',
    'flametrail record --pid 4711 -F 199 -o api.svg',
    'flametrail record -o build.html -o build.pb.gz -- make -j8',
  ],
  table: RECORD_SETTINGS,
  run: async (argv) => {
    const { values, rest } = parseArguments(RECORD_SETTINGS, argv)
    const command = argv.includes('--') ? argv.slice(argv.indexOf('--') + 1) : []
    const stray = rest.slice(0, rest.length - command.length)
    if (stray.length > 0)
      throw new UsageError(
        `flametrail record takes no words but a command after --, got "${stray.join(' ')}"; write -- before it`,
      )
    const targets = findTargets({ pids: values.pid, cgroups: values.cgroup, command })
    const durationMs = values.duration || (command.length > 0 ? Number.POSITIVE_INFINITY : DURATION_MS)
    const files: OutputFile[] = []
    try {
      for (const path of new Set(values.output)) files.push(openOutput(path))
      return await run({ ...values, durationMs, command, targets, files })
    } finally {
      for (const file of files) file.discard()
    }
  },
}

interface Asked {
  readonly frequency: number
  readonly durationMs: number
  readonly command: readonly string[]
  readonly targets: Targets
  readonly files: readonly OutputFile[]
  readonly title: string
}

const talk = (line: string) => process.stderr.write(`flametrail record: ${line}\n`)

async function run(asked: Asked): Promise<number> {
  const { frequency, targets, command } = asked
  const stop = stopSignal()
  let launched: Launched | undefined
  let commandEnd: string | undefined
  const begin = async () => {
    if (command.length === 0) return
    launched = await launch(command, (pid) => targets.family!.add(pid))
    void launched.ended.then((how) => {
      commandEnd = how
      stop.ask()
    })
  }
  const progress = showProgress(asked)
  try {
    const parts = orRefuse(() => createRecordParts({ frequencyHz: frequency, log: talk }))
    const recording = await sample(
      {
        frequencyHz: frequency,
        durationMs: asked.durationMs,
        family: targets.family,
        cgroups: targets.cgroups,
        begin,
        stopped: stop.asked,
        onProgress: progress.show,
      },
      parts,
    ).catch(refuseCannotSample)
    progress.end()
    return report(asked, recording, commandEnd)
  } finally {
    progress.end()
    await launched?.stop(STOP_MS)
    if (launched !== undefined) talk(`the command ${await launched.ended}`)
  }
}

/** Writes the file, prints the table.  throws Refusal when no sample came */
function report(asked: Asked, recording: Recording, commandEnd: string | undefined): number {
  const { profile, elapsedMs, ticks } = recording
  const { words, family } = asked.targets
  const filtered = ticks.dropped.get('filtered') ?? 0
  const lost = new Map([...ticks.dropped].filter(([reason, count]) => reason !== 'filtered' && count > 0))
  if (profile === undefined)
    throw new Refusal(
      explainNoSamples({
        ...{ words, elapsedMs, frequencyHz: asked.frequency, filtered, lost, commandEnd },
        expected: ticks.expected,
        living: family === undefined ? undefined : recording.living,
      }),
    )
  const seconds = `${(elapsedMs / 1000).toFixed(1)} s at ${asked.frequency} Hz`
  const lostWords = [...lost].map(([reason, count]) => `${reason} ${count}`).join(', ')
  const facts = [
    `${ticks.received} samples in ${seconds}`,
    filtered > 0 ? `${filtered} of other processes filtered` : '',
    lostWords === '' ? '' : `lost: ${lostWords}`,
    recording.eventsLost > 0
      ? `${recording.eventsLost} forks and exits not heard of: descendants may be missing`
      : '',
  ].filter((fact) => fact !== '')
  const subtitle = `${new Date(profile.timeMs).toISOString()}: ${facts.join('; ')}`
  const written = asked.files.map(
    (file) => `${file.path}, ${printBytes(file.write(profile, { title: asked.title || words, subtitle }))}`,
  )
  process.stdout.write(printTop(topOfProfile(profile, TOP_ROWS)))
  talk(facts.join('; '))
  for (const file of written) talk(`wrote ${file}`)
  return 0
}

/** On a terminal a line that counts; elsewhere one line at the start. */
function showProgress({ targets, frequency, durationMs }: Asked) {
  const isEndless = !Number.isFinite(durationMs)
  const [span, goal] = isEndless
    ? ['until it ends', '']
    : [`for ${durationMs / 1000} s`, ` of ${durationMs / 1000} s`]
  const isTerminal = process.stderr.isTTY === true
  let isShown = false
  if (!isTerminal) talk(`sampling ${targets.words} at ${frequency} Hz ${span} (SIGINT ends early)`)
  return {
    show: ({ elapsedMs, samples }: { readonly elapsedMs: number; readonly samples: number }) => {
      if (!isTerminal) return
      isShown = true
      const line = `sampling ${targets.words}: ${(elapsedMs / 1000).toFixed(0)} s${goal}, ${samples} samples (Ctrl-C ends early)`
      process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`)
    },
    end: () => {
      if (isShown) process.stderr.write('\r\u001b[K')
      isShown = false
    },
  }
}

function stopSignal() {
  let ask: () => void = () => {}
  const asked = new Promise<void>((resolve) => {
    ask = resolve
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask)
  return { asked, ask }
}

function orRefuse<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    return refuseCannotSample(error)
  }
}

function refuseCannotSample(error: unknown): never {
  if (error instanceof CannotSample) throw new Refusal(error.message)
  throw error
}
