// How does a Grafana without this checkout get the plugin? As one file: dist/ in a zip with one folder, named as Grafana
// wants it, and its SHA-256 beside it. The same dist/ gives the same bytes on any machine.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { zipSync } from 'fflate'
import { root, say } from './setup.mjs'

/** What Grafana's scanner and its people look for; each nested plugin needs its own two. */
const WANTED = [
  ...['plugin.json', 'module.js', 'README.md', 'CHANGELOG.md', 'LICENSE', 'img/logo.svg'],
  ...['datasource', 'panels/flamegraph', 'panels/iceberg', 'panels/diff'].flatMap((folder) => [
    `${folder}/plugin.json`,
    `${folder}/module.js`,
  ]),
]
/** Names of these carry a hash. */
const WANTED_LAZY = ['lazy/drawing', 'lazy/html-page']
const REGULAR_0644 = 0o100644 << 16 // file type and mode, where a zip made on Unix keeps them
const UNIX = 3

/** Writes <id>-<version>.zip and <id>-<version>.zip.sha256 into `out`.
 *  in      dist  as buildPlugin leaves it; version and day are those of its plugin.json
 *  out     the zip's path, its SHA-256 in hex, its size
 *  throws  naming what is missing in dist, or what must not be there */
export function zipPlugin({ dist = path.join(root, 'dist'), out = path.join(root, 'build') } = {}) {
  const names = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(dist, path.join(entry.parentPath, entry.name)))
    .sort()
  const has = (lazy) => names.some((name) => name.startsWith(`${lazy}.`) && name.endsWith('.js'))
  const missing = [
    ...WANTED.filter((name) => !names.includes(name)),
    ...WANTED_LAZY.filter((name) => !has(name)).map((name) => `${name}.*.js`),
  ]
  if (missing.length > 0) throw new Error(`${dist} lacks ${missing.join(', ')}; run: npm run build web`)
  const strays = names.filter((name) => /[.]test[.]|(^|\/)(testing|node_modules)\//.test(name))
  if (strays.length > 0) throw new Error(`${dist} holds ${strays.join(', ')}, which no plugin carries`)

  const { id, info } = JSON.parse(readFileSync(path.join(dist, 'plugin.json'), 'utf8'))
  // A zip keeps the clock on the wall and no zone: the parts of a date, not a moment.
  const [year, month, day] = info.updated.split('-').map(Number)
  const attributes = { mtime: new Date(year, month - 1, day), os: UNIX, attrs: REGULAR_0644 }
  const files = names.map((name) => [`${id}/${name}`, [readFileSync(path.join(dist, name)), attributes]])
  const zip = zipSync(Object.fromEntries(files), { level: 9 })

  const file = path.join(out, `${id}-${info.version}.zip`)
  const sha256 = createHash('sha256').update(zip).digest('hex')
  mkdirSync(out, { recursive: true })
  writeFileSync(file, zip)
  writeFileSync(`${file}.sha256`, `${sha256}  ${path.basename(file)}\n`) // what `sha256sum -c` reads
  return { file, sha256, bytes: zip.length }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { file, sha256, bytes } = zipPlugin()
  say(`plugin: ${path.relative(root, file)}, ${(bytes / 1000).toFixed(0)} kB, sha256 ${sha256}`)
}
