// `flametrail up`: backend and agent on this machine, the first top functions in the terminal, the viewer's address.
//   backend ready ─► agent ─► first samples ─► table ─► waits for Ctrl-C ─► agent stops ─► backend stops
// Where no agent can run, a clearly marked sample profile takes its place, and the reason stands in the terminal.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TopAnswer } from '#profile/wire/query-api'
import { type Child, startChild } from './child.ts'
import { createClient } from './client.ts'
import { type Command, parseArguments, UsageError } from './command.ts'
import { AGENT_ENVIRONMENT, AGENT_FLAGS } from './program.ts'
import { postSampleProfile } from './sample-profile.ts'
import { UP_SETTINGS } from './settings.ts'
import { printTop } from './top-table.ts'

const POLL_MS = 250
const FIRST_SAMPLES_WITHIN_MS = 30_000

export const up: Command = {
  purpose: 'start backend, agent and viewer here and show the hottest functions',
  examples: ['flametrail up', 'flametrail up --frequency 97 --listen 127.0.0.1:4050'],
  table: UP_SETTINGS,
  run: async (argv) => {
    const { values, rest } = parseArguments(UP_SETTINGS, argv)
    if (rest.length > 0) throw new UsageError(`flametrail up takes no words, got ${rest.join(' ')}`)
    const stop = stopSignal()
    const url = `http://${values.listen}`
    const backend = startChild(
      'backend',
      [program('backend.mjs'), '--listen', values.listen, '--data-directory', values['data-directory']],
      { UV_THREADPOOL_SIZE: '16' },
    )
    const children = [backend]
    try {
      if (!(await isReady(url, backend, stop)))
        return stop.isAsked() ? 0 : backend.isRunning() ? 1 : await backend.ended
      const agent =
        values['without-agent'] === ''
          ? startAgent(url, values.frequency, values['data-directory'])
          : undefined
      if (agent !== undefined) children.push(agent)
      const noAgent =
        agent === undefined ? values['without-agent'] : await firstSamples(url, agent, backend, stop)
      if (noAgent !== undefined && !stop.isAsked()) await showSampleProfile(url, noAgent, stop)
      if (!stop.isAsked()) talk(`\nFlame graphs: ${url}/   (Ctrl-C stops everything)`)
      return await watch(backend, agent, stop)
    } finally {
      // The agent first, so that its last window still finds a backend.
      for (const child of children.reverse()) await child.stop(12_000)
    }
  },
}

const talk = (line: string) => process.stderr.write(`${line}\n`)
const program = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Its tables lie beside the profiles, in a folder that the backend has claimed by then. */
function startAgent(url: string, frequency: number, dataDirectory: string): Child {
  const words = ['--backend', url, '--frequency', String(frequency)]
  return startChild(
    'agent',
    [...AGENT_FLAGS, program('agent.mjs'), ...words, '--table-cache', path.join(dataDirectory, 'tables')],
    AGENT_ENVIRONMENT,
  )
}

interface Stop {
  isAsked(): boolean
  readonly asked: Promise<void>
}

/** The first SIGINT, SIGTERM or SIGHUP, or the death of the process that started us. */
function stopSignal(): Stop {
  let isAsked = false
  const asked = new Promise<void>((resolve) => {
    const ask = () => {
      if (!isAsked) talk('stopping')
      isAsked = true
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask)
    if (process.channel !== undefined) process.on('disconnect', ask)
  })
  return { isAsked: () => isAsked, asked }
}

const pause = (stop: Stop) =>
  Promise.race([stop.asked, new Promise((resolve) => setTimeout(resolve, POLL_MS))])

/** Waits until the backend answers; false if it ended or we were asked to stop (the backend has said why). */
async function isReady(url: string, backend: Child, stop: Stop): Promise<boolean> {
  while (backend.isRunning() && !stop.isAsked()) {
    try {
      // Any answer but "starting" means that it serves; a foreign server on the port makes our backend end with a sentence.
      if ((await fetch(`${url}/readyz`)).ok) return backend.isRunning()
    } catch (error) {
      if (!(error instanceof TypeError)) throw error // fetch says TypeError while nobody listens
    }
    await pause(stop)
  }
  return false
}

/** Waits for the first samples and prints the top functions.
 *  out  undefined when they came; else why there are none */
async function firstSamples(
  url: string,
  agent: Child,
  backend: Child,
  stop: Stop,
): Promise<string | undefined> {
  const client = createClient({ backend: url, tokenFile: '' })
  const started = Date.now()
  while (!stop.isAsked() && backend.isRunning()) {
    if (!agent.isRunning()) return 'the agent ended; its reason stands above'
    const top = await client.ask<TopAnswer>('top', { from: started, limit: 10 })
    if (top.meta.samples > 0) {
      process.stdout.write(`\n${printTop(top)}`)
      return undefined
    }
    if (Date.now() - started > FIRST_SAMPLES_WITHIN_MS) {
      talk('no samples yet; the machine may be idle, or run `flametrail doctor`')
      return undefined
    }
    await pause(stop)
  }
  return undefined
}

async function showSampleProfile(url: string, why: string, stop: Stop): Promise<void> {
  talk(
    `No agent runs here: ${why}\nRun \`npx flametrail doctor\` for the cure. The viewer shows a SAMPLE PROFILE, not this machine.`,
  )
  await postSampleProfile(url, stop.asked)
}

/** Waits for Ctrl-C or the end of a child. out  exit code */
async function watch(backend: Child, agent: Child | undefined, stop: Stop): Promise<number> {
  agent?.ended.then((code) => {
    if (!stop.isAsked() && backend.isRunning() && code !== 0)
      talk(`the agent ended with ${code}; what is stored can still be seen`)
  })
  const code = await Promise.race([backend.ended, stop.asked.then(() => undefined)])
  if (code === undefined) return 0
  if (!stop.isAsked()) talk(`the backend ended with ${code}`)
  return code === 0 ? 1 : code
}
