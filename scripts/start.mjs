// npm start: from a fresh clone to the first flame graph. Installs, builds, then hands over to `flametrail up`; the web
// part is built beside the running stream, so that samples flow while the viewer is still being bundled.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { build } from './build.mjs'
import { BUILD_TOOLS, checkNode, installNodePackages, installSystemPackages, root, say } from './setup.mjs'

checkNode()
const [, system] = await Promise.all([installNodePackages(), installSystemPackages(BUILD_TOOLS)])
let whyNoAgent = ''
if (system.missing.length > 0) {
  whyNoAgent = `building the BPF program needs ${system.missing.join(', ')}; as root: ${system.cure}`
} else {
  try {
    await build(['bpf'])
  } catch (error) {
    whyNoAgent = `the BPF program could not be built: ${error.message}`
  }
}
await build(['node'])

const isViewerBuilt = existsSync(path.join(root, 'build', 'viewer', 'index.html'))
const args = [path.join(root, 'build', 'cli.mjs'), 'up', ...process.argv.slice(2)]
if (whyNoAgent !== '') args.push(`--without-agent=${whyNoAgent}`)
// A group of its own: Ctrl-C reaches this process alone, which passes it on once, and `up` stops its parts in order.
const up = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', detached: true })
let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    isStopping = true
    up.kill('SIGTERM')
  })
}
up.on('close', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))

// In a process of its own, so that bundling never delays a signal.
const web = spawn(process.execPath, [path.join(root, 'scripts', 'build.mjs'), 'web'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'pipe'],
  detached: true,
})
let said = ''
web.stderr.on('data', (chunk) => {
  said += chunk
})
web.on('close', (code) => {
  if (isStopping) return
  if (code !== 0)
    say(
      `the viewer could not be built; samples are stored all the same. The bundler said:\n${said.slice(-4_000)}`,
    )
  else if (!isViewerBuilt) say('viewer: built, open the address above')
})
process.on('exit', () => {
  if (web.exitCode === null) {
    try {
      process.kill(-web.pid)
    } catch (error) {
      if (error.code !== 'ESRCH') throw error // gone already is what we wanted
    }
  }
})
