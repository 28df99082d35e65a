// Writes THIRD_PARTY_NOTICES: whose work ships with ours, under which licence. Run after the lockfile changed:
//   node scripts/notices.mjs
// Shipped are the production dependencies and what the viewer bundles; tools and tests stay behind.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root, say } from './setup.mjs'

const BUNDLED_IN_VIEWER = [
  '@grafana/data',
  '@grafana/runtime',
  '@grafana/ui',
  'react',
  'react-dom',
  'systemjs',
  '@fontsource/inter',
  '@fontsource/roboto-mono',
]

const read = (directory) => JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'))

/** Finds an installed package as Node would: in the nearest node_modules upwards. */
function locate(name, from) {
  for (let directory = from; directory.startsWith(root); directory = path.dirname(directory)) {
    const found = path.join(directory, 'node_modules', name)
    if (existsSync(path.join(found, 'package.json'))) return found
  }
  return undefined // an optional package of another platform
}

function collect(names) {
  const found = new Map()
  const queue = names.map((name) => [name, root])
  while (queue.length > 0) {
    const [name, from] = queue.pop()
    const directory = locate(name, from)
    if (directory === undefined) continue
    const manifest = read(directory)
    const key = `${name} ${manifest.version}`
    if (found.has(key)) continue
    const licence =
      typeof manifest.license === 'string'
        ? manifest.license
        : (manifest.license?.type ?? manifest.licenses?.[0]?.type ?? 'see its package')
    found.set(key, licence)
    for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }))
      queue.push([dependency, directory])
  }
  return [...found].sort()
}

const { dependencies } = read(root)
const section = (title, names) => [
  title,
  '',
  ...collect(names).map(([key, licence]) => `${key}: ${licence}`),
  '',
]
const text = [
  'Flametrail ships with the work of others, unchanged, each under its own licence; the full texts lie in the packages.',
  'Made by scripts/notices.mjs from the installed packages.',
  '',
  ...section('On the server and in the agent', Object.keys(dependencies)),
  ...section("Bundled into the viewer (the Grafana plugin uses Grafana's own copies)", BUNDLED_IN_VIEWER),
].join('\n')
writeFileSync(path.join(root, 'THIRD_PARTY_NOTICES'), text)
say(`THIRD_PARTY_NOTICES: ${text.split('\n').length} lines`)
