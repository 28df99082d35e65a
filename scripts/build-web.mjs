// The web part: the Grafana plugin in dist/, the viewer in build/viewer/. Each prints one line with its sizes, and refuses
// to end well with a bundle that Grafana could not load or that carries what it must not.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import pluginConfig, { PLUGINS } from '../rspack.plugin.config.mjs'
import viewerConfig from '../rspack.viewer.config.mjs'
import { ensureHtmlPage } from './build-html-page.mjs'
import { bundle } from './bundle.mjs'
import { root, say } from './setup.mjs'

/** Data source and all panels, compressed: what Grafana may load before a profile is drawn, and must not be felt. */
const MODULES_GZIP_MAX = 60_000
/** What is loaded when the first panel draws, and when the reader asks for a page. */
const LAZY_GZIP_MAX = { drawing: 40_000, 'html-page': 40_000 }

/** Writes dist/; throws the bundler's errors, or what is wrong with a bundle. */
export async function buildPlugin() {
  await ensureHtmlPage()
  checkLazy(await bundle(pluginConfig))
  const dist = pluginConfig.output.path
  const { version } = readJson(path.join(root, 'package.json'))
  for (const [folder, { manifest }] of Object.entries(PLUGINS)) {
    const text = readFileSync(path.join(root, manifest), 'utf8')
    const stamped = text.replaceAll('%VERSION%', version).replaceAll('%TODAY%', today())
    writeFileSync(path.join(dist, folder, 'plugin.json'), stamped)
    copyImages(folder, JSON.parse(stamped), dist)
  }
  for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE']) {
    const source = path.join(root, name)
    if (existsSync(source)) cpSync(source, path.join(dist, name))
  }
  const sizes = Object.keys(PLUGINS).map((folder) => {
    const file = path.join(dist, folder, 'module.js')
    const code = readFileSync(file)
    checkBundle(file, code.toString('utf8'))
    return { folder: folder || 'app', bytes: gzipSync(code).length }
  })
  const lazy = lazyFiles(dist).map((name) => {
    const bytes = gzipSync(readFileSync(path.join(dist, 'lazy', name))).length
    return { name: name.split('.')[0], bytes }
  })
  const list = (parts, of) => parts.map((part) => `${part[of]} ${kilobytes(part.bytes)}`).join(', ')
  const modules = sizes.filter(({ folder }) => folder !== 'app').reduce((sum, { bytes }) => sum + bytes, 0)
  say(`plugin: dist/, ${list(sizes, 'folder')} gzip; data source and panels ${kilobytes(modules)}`)
  say(`plugin: dist/lazy/, loaded when first used: ${list(lazy, 'name')} gzip`)
  checkSize('data source and panels', modules, MODULES_GZIP_MAX)
  for (const { name, bytes } of lazy) checkSize(`lazy/${name}`, bytes, LAZY_GZIP_MAX[name] ?? 0)
}

const lazyFiles = (dist) => readdirSync(path.join(dist, 'lazy')).filter((name) => name.endsWith('.js'))

/** Writes build/viewer/ around what stands in dist/; throws the bundler's errors, or what a bundle misses in the host.
 *  A running backend serves the old files until the new ones are whole. */
export async function buildViewer() {
  const { path: finished } = viewerConfig.output
  const viewer = `${finished}.new`
  rmSync(viewer, { recursive: true, force: true })
  await bundle({ ...viewerConfig, output: { ...viewerConfig.output, path: viewer } })
  const dist = pluginConfig.output.path
  checkShared(dist)
  for (const folder of Object.keys(PLUGINS).filter((name) => name !== '')) {
    const target = path.join(viewer, 'plugin', folder)
    mkdirSync(target, { recursive: true })
    cpSync(path.join(dist, folder, 'module.js'), path.join(target, 'module.js'))
  }
  const lazy = path.join(viewer, 'plugin', 'lazy')
  mkdirSync(lazy)
  for (const name of lazyFiles(dist)) cpSync(path.join(dist, 'lazy', name), path.join(lazy, name))
  cpSync(path.join(root, 'src/img/logo.svg'), path.join(viewer, 'logo.svg'))
  copyPublic(path.join(viewer, 'public'))
  const files = filesBelow(viewer)
  const script = files.find((file) => /assets\/viewer\.[^/]+\.js$/.test(file))
  for (const file of files.filter((name) => /\.(js|css|html|svg)$/.test(name))) compress(file)
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
  const scriptBytes = statSync(`${script}.gz`).size
  replaceDirectory(viewer, finished)
  say(
    `viewer: build/viewer/, ${kilobytes(scriptBytes)} gzip script, ${kilobytes(bytes)} in ${files.length} files`,
  )
}

function replaceDirectory(source, target) {
  const old = `${target}.old`
  rmSync(old, { recursive: true, force: true })
  if (existsSync(target)) renameSync(target, old)
  renameSync(source, target)
  rmSync(old, { recursive: true, force: true })
}

function checkSize(what, bytes, allowed) {
  if (bytes > allowed)
    throw new Error(`${what}: ${kilobytes(bytes)} compressed; ${kilobytes(allowed)} are allowed`)
}

/** An AMD module gets what the host shares by its own head alone: in a lazy part such a module would be a name of nothing.
 *  The bundler lifts them into the panels' modules; this says when it no longer does. */
function checkLazy(stats) {
  const { chunks } = stats.toJson({ all: false, chunks: true, chunkModules: true })
  for (const { initial, files, modules } of chunks) {
    const shared = modules.map(({ identifier }) => identifier).filter((name) => name?.startsWith('external '))
    if (!initial && shared.length > 0) throw new Error(`${files[0]} holds ${shared.join(', ')} itself`)
  }
}

/** What only a running Grafana would show: the factory must return its exports, and nothing shared may be bundled. */
function checkBundle(file, code) {
  const head = /^define\((\[[^\]]*\]),\s*(?:function\s*\(([^)]*)\)|\(?([^)=]*)\)?\s*=>)/.exec(code)
  if (head === null) throw new Error(`${file} is no anonymous AMD module: ${code.slice(0, 80)}`)
  if (JSON.parse(head[1].replaceAll("'", '"')).includes('exports')) {
    throw new Error(`${file} fills an exports object; Grafana's sandbox needs a factory that returns`)
  }
  const foreign = {
    zod: 'ZodError',
    React: '__SECRET_INTERNALS_DO_NOT_USE',
    '@grafana/ui': 'data-testid data-testid',
  }
  for (const [what, mark] of Object.entries(foreign)) {
    if (code.includes(mark)) throw new Error(`${file} carries ${what}`)
  }
}

/** Every module that a bundle asks for must be one that the viewer's host brings. */
function checkShared(dist) {
  const brought = readFileSync(path.join(root, 'viewer/host/shared-modules.ts'), 'utf8')
  for (const folder of Object.keys(PLUGINS).filter((name) => name !== '')) {
    const code = readFileSync(path.join(dist, folder, 'module.js'), 'utf8')
    for (const name of JSON.parse(/^define\((\[[^\]]*\])/.exec(code)[1].replaceAll("'", '"'))) {
      if (name !== 'module' && !brought.includes(`'${name}'`))
        throw new Error(`${folder}/module.js asks for ${name}; viewer/host/shared-modules.ts has none`)
    }
  }
}

/** Logos beside each manifest that names them: a panel's own, or the app's. */
function copyImages(folder, manifest, dist) {
  const source = path.join(root, folder === '' ? 'src' : path.join('src', folder))
  for (const image of new Set(Object.values(manifest.info.logos))) {
    const own = path.join(source, image)
    const target = path.join(dist, folder, image)
    mkdirSync(path.dirname(target), { recursive: true })
    cpSync(existsSync(own) ? own : path.join(root, 'src/img/logo.svg'), target)
  }
}

/** Icons that Grafana has and the npm package of @grafana/ui 12.4.10 lacks, of those that its components here use. */
const MISSING_ICONS = {
  'angle-double-left': { of: 'angle-double-right', transform: 'scale(-1,1)' },
  'angle-double-up': { of: 'angle-double-down', transform: 'scale(1,-1)' },
  spinner: { of: 'sync', transform: 'scale(1,1)' },
}

/** Icons and fonts that @grafana/ui asks for below its public path, by the names it asks with. */
function copyPublic(target) {
  const modules = path.join(root, 'node_modules')
  cpSync(path.join(modules, '@grafana/ui/dist/public/img'), path.join(target, 'build/img'), {
    recursive: true,
  })
  for (const [name, { of, transform }] of Object.entries(MISSING_ICONS)) {
    const folder = path.join(target, 'build/img/icons/unicons')
    const drawing = readFileSync(path.join(folder, `${of}.svg`), 'utf8')
    writeFileSync(
      path.join(folder, `${name}.svg`),
      drawing.replace('<svg ', `<svg transform="${transform}" `),
    )
  }
  const inter = (weight, style) =>
    path.join(modules, `@fontsource/inter/files/inter-latin-${weight}-${style}.woff2`)
  const mono = (weight) =>
    path.join(modules, `@fontsource/roboto-mono/files/roboto-mono-latin-${weight}-normal.woff2`)
  const styles = readFileSync(
    path.join(modules, '@grafana/ui/dist/esm/themes/GlobalStyles/fonts.mjs'),
    'utf8',
  )
  mkdirSync(path.join(target, 'fonts/inter'), { recursive: true })
  mkdirSync(path.join(target, 'fonts/roboto'), { recursive: true })
  const faces = styles.split('"@font-face"').slice(1)
  for (const face of faces) {
    const name = /\$\{fontRoot\}([^']+)'/.exec(face)?.[1]
    const weight = /fontWeight: (\d+)/.exec(face)?.[1]
    const style = /fontStyle: "(\w+)"/.exec(face)?.[1]
    if (name === undefined || weight === undefined)
      throw new Error(`a font face of @grafana/ui reads otherwise than expected: ${face}`)
    const file = path.join(target, 'fonts', name)
    // Grafana's Roboto Mono is one variable font for all weights: the regular one, which comes first, stands for it.
    if (!existsSync(file)) cpSync(name.startsWith('inter/') ? inter(weight, style) : mono(weight), file)
  }
}

/** The backend sends `x.gz` in the place of `x` to whoever takes it. */
function compress(file) {
  const code = readFileSync(file)
  if (code.length > 1_024) writeFileSync(`${file}.gz`, gzipSync(code, { level: 9 }))
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}

/** A build of the same sources is the same build, whatever the day, where SOURCE_DATE_EPOCH says so. */
function today() {
  const epoch = process.env.SOURCE_DATE_EPOCH
  return new Date(epoch === undefined ? Date.now() : Number(epoch) * 1000).toISOString().slice(0, 10)
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(bytes < 100_000 ? 1 : 0)} kB`

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildPlugin()
  await buildViewer()
}
