// The five plugin.json: what Grafana's scanner and its catalog ask of them, checked where no Grafana is.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8'))
const CHILDREN = ['datasource', 'panels/flamegraph', 'panels/iceberg', 'panels/diff']
const app = read('plugin.json')
const children = CHILDREN.map((folder) => ({ folder, manifest: read(`src/${folder}/plugin.json`) }))
const all = [{ folder: '', manifest: app }, ...children]

describe('plugin.json', () => {
  it.each(all)(
    'of "$folder" has an id of its type, a dependency, and words to find it by',
    ({ manifest }) => {
      expect(manifest.id).toMatch(new RegExp(`^[0-9a-z]+-[0-9a-z]+-${manifest.type}$`))
      expect(manifest.dependencies).toEqual({ grafanaDependency: '>=12.3.0', plugins: [] })
      expect(manifest.info.keywords.length).toBeGreaterThan(0)
      // Stamped by the build, from package.json alone.
      expect([manifest.info.version, manifest.info.updated]).toEqual(['%VERSION%', '%TODAY%'])
    },
  )

  it('of the app names every child, by its own name', () => {
    const named = app.includes.filter((item: { type: string }) => item.type !== 'page')
    expect(named.map(({ type, name }: { type: string; name: string }) => [type, name])).toEqual(
      children.map(({ manifest }) => [manifest.type, manifest.name]),
    )
  })

  it('of the data source gives the token to the query API and nothing else', () => {
    expect(children[0]?.manifest.routes).toEqual([
      { path: 'api/v1', headers: [{ name: 'Authorization', content: 'Bearer {{ .SecureJsonData.token }}' }] },
    ])
  })

  it.each(all)('of "$folder" has logos without scripts or links', ({ folder, manifest }) => {
    for (const logo of new Set<string>(Object.values(manifest.info.logos))) {
      const own = path.join(root, 'src', folder, logo)
      const drawing = readFileSync(existsSync(own) ? own : path.join(root, 'src', logo), 'utf8')
      expect(drawing).toMatch(/^<svg /)
      expect(drawing).not.toMatch(/<script|on\w+=|href=/i)
    }
  })
})
