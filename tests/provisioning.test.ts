// Would Grafana take what we provision? What only shows when it starts is checked here: ids that exist, variables that
// exist, selectors that parse, secrets by file, and a plugin zip that holds what its scanner looks for.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { unzipSync } from 'fflate'
import { afterEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseSelector } from '#profile/labels/selector'
import { interpolateQuery } from '../src/datasource/interpolate.ts'
import { migrateQuery, normalizeQuery, QUERY_TYPES, queryTypeFor } from '../src/datasource/query.ts'
import { parseVariableQuery } from '../src/datasource/variables.ts'
import { type Chosen, type Dashboard, dashboards, replacer, variablesIn } from './dashboards.ts'

const root = path.resolve(import.meta.dirname, '..')
const read = (name: string) => readFileSync(path.join(root, name), 'utf8')
const manifests = [
  'plugin.json',
  ...['datasource', 'panels/flamegraph', 'panels/iceberg', 'panels/diff'].map(
    (at) => `src/${at}/plugin.json`,
  ),
].map((name) => JSON.parse(read(name)) as { id: string; type: string })
const idsOf = (type: string) => manifests.filter((one) => one.type === type).map(({ id }) => id)

/** How a panel or variable names the data source that the reader chose. */
const CHOSEN_SOURCE = { type: idsOf('datasource')[0], uid: expect.stringMatching(/^\$\{datasource\}$/) }

/** Panels that every Grafana has. */
const CORE_PANELS = ['text', 'stat', 'timeseries', 'table']
/** What a panel can draw: the query types whose frames it reads. */
const DRAWN: Readonly<Record<string, readonly string[]>> = {
  stat: ['metrics'],
  timeseries: ['metrics'],
  table: ['top'],
  'flametrail-flamegraph-panel': ['profile'],
  'flametrail-iceberg-panel': ['profile'],
  'flametrail-diff-panel': ['diff'],
}

describe('the provisioning files', () => {
  const files = readdirSync(path.join(root, 'provisioning'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({ name, text: read(path.join('provisioning', name)) }))

  it.each(files)('$name is YAML of version 1, and lets Grafana expand nothing but a file', ({ text }) => {
    expect(parse(text).apiVersion).toBe(1)
    // A bare dollar expands to nothing, or to a variable of Grafana's environment.
    for (const [dollar] of text.matchAll(/\$\S*/g))
      expect(dollar).toMatch(/^\$__file\{\/run\/flametrail\/[\w/-]+\}$/)
  })

  it('name our plugins by their ids', () => {
    expect(
      parse(read('provisioning/plugins/flametrail.yaml')).apps.map((app: { type: string }) => app.type),
    ).toEqual(idsOf('app'))
    const [source, ...more] = parse(read('provisioning/datasources/flametrail.yaml')).datasources
    expect([source.type, more]).toEqual([idsOf('datasource')[0], []])
    expect([source.uid, source.access]).toEqual(['flametrail', 'proxy'])
  })

  it('keep the token out of the file: Grafana reads it where the backend wrote it', () => {
    const [source] = parse(read('provisioning/datasources/flametrail.yaml')).datasources
    expect(source.secureJsonData.token).toMatch(/^\$__file\{/)
    expect(JSON.stringify(source)).not.toMatch(/flt_|password/i)
  })
})

/** Values that want escaping where they land. */
const HOSTILE: Chosen = new Map<string, string | readonly string[]>([
  ['datasource', 'flametrail'],
  ['profile', 'process_cpu:cpu:nanoseconds:cpu:nanoseconds'],
  ['service', 'a"b\\c}'],
  ['host', ['web-1', 'web.2"']],
])
const ALL: Chosen = new Map([...HOSTILE, ['host', '$__all'], ['service', 'api']])

const queriesOf = (dashboard: Dashboard) =>
  dashboard.panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({ panel, target, name: panel.title })),
  )

describe('the dashboards', () => {
  it('are the two that answer a question each', () => {
    expect(dashboards.map(({ uid }) => uid)).toEqual(['flametrail-fleet', 'flametrail-service'])
  })

  describe.each(dashboards)('$uid', (dashboard) => {
    const { panels, templating } = dashboard
    const variables = templating.list.map(({ name }) => name)

    it('uses only panels that exist, each under an id of its own, none over another', () => {
      for (const { type } of panels) expect([...CORE_PANELS, ...idsOf('panel')]).toContain(type)
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
      )
      expect(new Set(cells).size).toBe(cells.length)
      for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    })

    it('uses only variables that exist, each after those it asks with', () => {
      expect(variablesIn(JSON.stringify(panels)).filter((name) => !variables.includes(name))).toEqual([])
      for (const [i, variable] of templating.list.entries()) {
        const asked = variablesIn(variable.query + (variable.datasource?.uid ?? ''))
        expect(variables.slice(0, i)).toEqual(expect.arrayContaining([...asked]))
      }
    })

    it('links to dashboards that exist', () => {
      const urls = [...JSON.stringify(dashboard).matchAll(/"url":"\/d\/([\w-]+)/g)].map(([, uid]) => uid)
      expect(urls.length).toBeGreaterThan(0)
      for (const uid of urls) expect(dashboards.map((one) => one.uid)).toContain(uid)
    })

    it.each(templating.list)(
      'asks for the values of $name in words that the data source knows',
      (variable) => {
        if (variable.type === 'datasource') return expect(variable.query).toBe(idsOf('datasource')[0])
        expect(variable.datasource).toEqual(CHOSEN_SOURCE)
        const question = parseVariableQuery(variable.query)
        expect(question.ok).toBe(true)
      },
    )

    it.each(queriesOf(dashboard))('asks for "$name" what its panel draws', ({ panel, target }) => {
      const migrated = migrateQuery(target)
      const query = normalizeQuery(target)
      expect(query).toEqual(migrated) // whole already: nothing is guessed, cut or dropped
      expect(QUERY_TYPES).toContain(target.queryType)
      expect(target.datasource).toEqual(panel.datasource)
      expect(target.datasource).toEqual(CHOSEN_SOURCE)
      expect(DRAWN[panel.type]).toContain(queryTypeFor(query, panel.type))
      expect(query.invert === true).toBe(panel.type === 'flametrail-iceberg-panel')
    })

    it.each(queriesOf(dashboard))(
      'asks for "$name" with a selector that parses, whatever is chosen',
      ({ target }) => {
        for (const chosen of [HOSTILE, ALL]) {
          const templateSrv = replacer(dashboard, chosen)
          const query = interpolateQuery(normalizeQuery(target), { templateSrv, scopedVars: {} })
          const parsed = parseSelector(query.labelSelector)
          if (!parsed.ok) throw new Error(`${query.labelSelector}: ${parsed.error.message}`)
          const values = parsed.value.matchers.map(({ name, operator, value }) => name + operator + value)
          if (variablesIn((target as unknown as { labelSelector: string }).labelSelector).includes('service'))
            expect(values).toContain(`service_name=${chosen.get('service')}`)
          expect(values).toContain(chosen === ALL ? 'host=~.*' : 'host=~(web-1|web\\.2")')
        }
      },
    )
  })
})

describe('the plugin zip', () => {
  interface Zip {
    zipPlugin(parts: { dist: string; out: string }): { file: string; sha256: string; bytes: number }
  }
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
  const LAZY = ['lazy/drawing.0123456789ab.js', 'lazy/html-page.ba9876543210.js']
  /** A dist/ of the right names, and the script that packs it. */
  async function packing(change: (files: Map<string, string>) => void = () => {}) {
    const work = mkdtempSync(path.join(tmpdir(), 'flametrail-zip-'))
    folders.push(work)
    const names = ['', 'datasource/', 'panels/flamegraph/', 'panels/iceberg/', 'panels/diff/'].flatMap((at) =>
      ['plugin.json', 'module.js'].map((name) => at + name),
    )
    const files = new Map(
      [...names, 'README.md', 'CHANGELOG.md', 'LICENSE', 'img/logo.svg', ...LAZY].map((name) => [
        name,
        `of ${name}`,
      ]),
    )
    files.set(
      'plugin.json',
      JSON.stringify({ id: 'a-b-app', info: { version: '1.2.3', updated: '2026-11-24' } }),
    )
    change(files)
    for (const [name, text] of [...files].reverse()) {
      mkdirSync(path.dirname(path.join(work, 'dist', name)), { recursive: true })
      writeFileSync(path.join(work, 'dist', name), text)
    }
    const { zipPlugin } = (await import(pathToFileURL(path.join(root, 'scripts/plugin-zip.mjs')).href)) as Zip
    return {
      files,
      work,
      zip: () => zipPlugin({ dist: path.join(work, 'dist'), out: path.join(work, 'out') }),
    }
  }

  it('holds every file below one folder, named by the id, and its sum beside it', async () => {
    const { files, zip } = await packing()
    const { file, sha256 } = zip()
    expect(path.basename(file)).toBe('a-b-app-1.2.3.zip')
    const held = Object.entries(unzipSync(new Uint8Array(readFileSync(file))))
    expect(new Map(held.map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]))).toEqual(
      new Map([...files].map(([name, text]) => [`a-b-app/${name}`, text])),
    )
    expect(readFileSync(`${file}.sha256`, 'utf8')).toBe(`${sha256}  a-b-app-1.2.3.zip\n`)
  })

  it('is the same bytes for the same files', async () => {
    const first = (await packing()).zip()
    const second = (await packing()).zip()
    expect(first.sha256).toBe(second.sha256)
  })

  it('is not made without what Grafana looks for, and says what is missing', async () => {
    const { zip } = await packing((files) => {
      files.delete('LICENSE')
      files.delete('panels/diff/module.js')
      files.delete(LAZY[0]!)
    })
    expect(zip).toThrow(
      /lacks LICENSE, panels\/diff\/module\.js, lazy\/drawing\.\*\.js; run: npm run build web/,
    )
  })

  it('is not made with the source of tests in it', async () => {
    const { zip } = await packing((files) => void files.set('datasource/query.test.ts', ''))
    expect(zip).toThrow(/holds datasource\/query\.test\.ts/)
  })
})
