// Does every provisioned panel show something? The built data source, in a host as small as it can be, asks a live backend
// what a dashboard's panels and variables ask, while a live agent samples this machine.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { DataFrame, DataQueryRequest, DataQueryResponse } from '@grafana/data'
import { unzipSync } from 'fflate'
import * as react from 'react'
import * as rxjs from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dashboard, dashboards, type Panel, replacer, type Variable } from '../dashboards.ts'
import { eventually, type Run, root, type Stream, start, startStream } from './stream.ts'

const SERVICE = 'provisioned-burner'
const HOUR_MS = 3_600_000

interface Source {
  query(request: DataQueryRequest): rxjs.Observable<DataQueryResponse>
  metricFindQuery(query: string, options: object): Promise<{ text: string; value?: string }[]>
}

/** What the bundle asks of Grafana, and no more: its own modules want a browser.
 *  out  the data source's class, as the bundle gives it to Grafana */
function loadSource(): new (settings: object, parts: object) => Source {
  let made: unknown
  const plugin = {
    setConfigEditor: () => plugin,
    setQueryEditor: () => plugin,
  }
  const host: Readonly<Record<string, object>> = {
    react,
    rxjs,
    '@emotion/css': {},
    '@grafana/ui': {},
    '@grafana/data': {
      CoreApp: { Explore: 'explore', Unknown: 'unknown' },
      LoadingState: { Done: 'Done', Error: 'Error' },
      // A constructor that returns another object: what `new` gives is that.
      DataSourcePlugin: function plug(source: unknown) {
        made = source
        return plugin
      },
    },
    '@grafana/runtime': { config: {}, DataSourceWithBackend: Base },
  }
  const define = (names: readonly string[], factory: (...modules: unknown[]) => unknown) =>
    factory(...names.map((name) => host[name]))
  const code = readFileSync(path.join(root, 'dist/datasource/module.js'), 'utf8')
  new Function('define', code)(define)
  return made as ReturnType<typeof loadSource>
}

/** Of Grafana's own base class the part that ours calls. */
class Base {
  readonly type: string
  readonly uid: string
  constructor({ type, uid }: { readonly type: string; readonly uid: string }) {
    this.type = type
    this.uid = uid
  }
  getRef() {
    return { type: this.type, uid: this.uid }
  }
}

/** Grafana's fetch, without its proxy: an answer, or an error with a status. */
const backendSrv = {
  fetch: (request: { url: string; method: string; data?: object }) =>
    rxjs.from(
      (async () => {
        const response = await fetch(request.url, {
          method: request.method,
          headers: { 'content-type': 'application/json' },
          ...(request.data === undefined ? {} : { body: JSON.stringify(request.data) }),
        })
        const { status } = response
        const data = await response.json()
        if (!response.ok) throw { status, data, config: request }
        return { status, data }
      })(),
    ),
}

let stream: Stream
let burner: Run
beforeAll(async () => {
  stream = await startStream({ agent: ['--frequency', '97', '--window', '1s'] })
  burner = start([process.execPath, '-e', 'for (;;) Math.sqrt(Math.random())'], {
    env: { OTEL_SERVICE_NAME: SERVICE },
  })
  await eventually('samples of the burner', 30_000, async () => {
    const top = await stream.query<{ total: number }>('top', { query: `{service_name="${SERVICE}"}` })
    return top.total > 0 ? true : undefined
  })
})
afterAll(async () => {
  burner?.child.kill('SIGKILL')
  await burner?.ended
  await stream?.[Symbol.asyncDispose]()
})

const range = () => ({ from: new Date(Date.now() - HOUR_MS), to: new Date() })

/** Chooses a value for each variable in order, as a reader would: the burner's service, else the first. */
async function choose(dashboard: Dashboard) {
  const chosen = new Map<string, string>()
  const templateSrv = replacer(dashboard, chosen)
  const source = new (loadSource())({ url: stream.url, jsonData: {} }, { backendSrv, templateSrv })
  const offered = new Map<string, readonly string[]>()
  for (const variable of dashboard.templating.list) {
    const values = await valuesOf(variable, source)
    offered.set(variable.name, values)
    const first = variable.includeAll ? '$__all' : values[0]!
    chosen.set(variable.name, variable.name === 'service' ? SERVICE : first)
  }
  return { source, offered }
}

async function valuesOf(variable: Variable, source: Source): Promise<readonly string[]> {
  if (variable.type === 'datasource') return ['flametrail']
  return (await source.metricFindQuery(variable.query, { range: range() })).map(
    ({ text, value }) => value ?? text,
  )
}

/** The answer to a panel's queries, as a dashboard asks them. */
function ask(source: Source, panel: Panel): Promise<DataQueryResponse> {
  const request = {
    requestId: `Q${panel.id}`,
    targets: panel.targets,
    range: range(),
    intervalMs: 15_000,
    scopedVars: {},
    app: 'dashboard',
    panelPluginId: panel.type,
    filters: [],
  }
  return rxjs.firstValueFrom(source.query(request as unknown as DataQueryRequest))
}

/** Fields that are a measure: not the place in a tree, not the name, not the time. */
const MEASURES = ['value', 'self', 'total', 'valueRight', 'selfRight']
function largest(frames: readonly DataFrame[]): number {
  const columns = frames.flatMap((frame) => frame.fields.filter(({ name }) => MEASURES.includes(name)))
  return Math.max(
    0,
    ...columns.map(({ values }) =>
      Array.from(values as ArrayLike<number | null>).reduce<number>(
        (most, value) => Math.max(most, value ?? 0),
        0,
      ),
    ),
  )
}

describe.each(dashboards)('the dashboard $uid', (dashboard) => {
  it('resolves its variables', async () => {
    const { offered } = await choose(dashboard)
    for (const [name, values] of offered) expect(values.length, name).toBeGreaterThan(0)
    if (offered.has('service')) expect(offered.get('service')).toContain(SERVICE)
    expect(offered.get('profile')).toContain('process_cpu:cpu:nanoseconds:cpu:nanoseconds')
  })

  it.each(dashboard.panels.filter(({ targets }) => targets !== undefined))(
    'shows something in "$title"',
    async (panel) => {
      const { source } = await choose(dashboard)
      const { data, errors = [] } = await ask(source, panel)
      expect(errors).toEqual([])
      expect(largest(data)).toBeGreaterThan(0)
    },
  )
})

describe('the plugin zip', () => {
  it('holds what was built, with the same version everywhere', async () => {
    const { zipPlugin } = await import(path.join(root, 'scripts/plugin-zip.mjs'))
    const { file } = zipPlugin({ out: stream.directory })
    const held = unzipSync(new Uint8Array(readFileSync(file)))
    const text = (name: string) => new TextDecoder().decode(held[`flametrail-profiles-app/${name}`])
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
    const manifests = Object.keys(held).filter((name) => name.endsWith('plugin.json'))
    expect(manifests).toHaveLength(5)
    for (const name of manifests) {
      const manifest = JSON.parse(new TextDecoder().decode(held[name]))
      expect([name, manifest.info.version]).toEqual([name, version])
    }
    for (const name of Object.keys(held)) {
      expect(name).toMatch(/^flametrail-profiles-app\//)
      // Source maps carry the sources they map: of the product, never of its tests.
      if (name.endsWith('.map')) expect(new TextDecoder().decode(held[name])).not.toMatch(/[.]test[.]tsx?"/)
      if (name.endsWith('.svg')) expect(new TextDecoder().decode(held[name])).not.toMatch(/<script/i)
    }
    expect(text('README.md')).toContain('Flametrail')
  })
})
