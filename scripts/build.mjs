// Builds: npm run build [bpf] [node] [web]; without words, all three. Each part is skipped while its sources are older
// than what it made.
//   bpf   build/bpf/      the BPF object (needs clang, bpftool, libbpf-dev)
//   node  build/*.mjs     agent, backend, command line: one file each; build/html-page.* what self-contained pages carry
//   web   dist/           the Grafana plugin, and its zip in build/;  build/viewer/ the viewer
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { BUILD_TOOLS, checkNode, installNodePackages, installSystemPackages, root, say } from './setup.mjs'

const PARTS = {
  bpf: {
    sources: ['bpf-agent/bpf'],
    product: 'build/bpf/x64.json',
    build: async () => (await import('../bpf-agent/bpf/build.mjs')).buildBpf(),
  },
  node: {
    sources: [
      'profile',
      'bpf-agent',
      'backend',
      'cli',
      'rspack.node.config.mjs',
      'scripts/build-html-page.mjs',
      'package.json',
    ],
    product: 'build/cli.mjs',
    build: async () => {
      await (await import('./build-node.mjs')).buildNode()
      await (await import('./build-html-page.mjs')).buildHtmlPage()
    },
  },
  web: {
    sources: [
      'profile',
      'src',
      'viewer',
      'plugin.json',
      'rspack.plugin.config.mjs',
      'rspack.viewer.config.mjs',
      'package.json',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
    ],
    product: 'build/viewer/index.html',
    build: async () => {
      const { buildPlugin, buildViewer } = await import('./build-web.mjs')
      await buildPlugin()
      ;(await import('./plugin-zip.mjs')).zipPlugin()
      await buildViewer()
    },
  },
}

/** Builds the named parts in order; throws with the tool's own words when one fails. */
export async function build(names, { force = false } = {}) {
  for (const name of names) {
    const part = PARTS[name]
    if (!force && newest([part.product]) > newest(part.sources)) {
      say(`build: ${name} is up to date`)
      continue
    }
    const started = Date.now()
    await part.build()
    say(`build: ${name} in ${((Date.now() - started) / 1000).toFixed(1)} s`)
  }
}

function newest(names) {
  let latest = 0
  const visit = (name) => {
    const stats = statSync(path.join(root, name), { throwIfNoEntry: false })
    if (stats === undefined) return
    if (!stats.isDirectory()) latest = Math.max(latest, stats.mtimeMs)
    else for (const entry of readdirSync(path.join(root, name))) visit(path.join(name, entry))
  }
  names.forEach(visit)
  return latest
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  checkNode()
  const words = process.argv.slice(2)
  const unknown = words.find((word) => word !== '--force' && !(word in PARTS))
  if (unknown !== undefined) {
    say(`unknown part ${unknown}; npm run build knows ${Object.keys(PARTS).join(', ')} and --force`)
    process.exit(2)
  }
  const names = words.filter((word) => word !== '--force')
  const wanted = names.length > 0 ? names : Object.keys(PARTS)
  await installNodePackages()
  if (wanted.includes('bpf')) {
    const { missing, cure } = await installSystemPackages(BUILD_TOOLS)
    if (missing.length > 0) {
      say(`building the BPF program needs ${missing.join(', ')}; as root: ${cure}`)
      process.exit(1)
    }
  }
  await build(wanted, { force: words.includes('--force') })
}
