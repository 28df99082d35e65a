// What does a fresh clone need before anything runs? The npm packages of the lockfile and a few Debian packages.
// Plain Node, no dependency: it runs before there is any. Every step says what it does and does nothing the second time.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** A tool, how to know that it is there, and the Debian package that brings it. */
const TOOLS = {
  clang: { package: 'clang', isThere: () => onPath('clang') },
  bpftool: { package: 'bpftool', isThere: () => onPath('bpftool') },
  'libbpf headers': { package: 'libbpf-dev', isThere: () => existsSync('/usr/include/bpf/bpf_helpers.h') },
  'C compiler': { package: 'gcc', isThere: () => onPath('gcc') },
  'C library headers': { package: 'libc6-dev', isThere: () => existsSync('/usr/include/stdio.h') },
  'C++ compiler': { package: 'g++', isThere: () => onPath('g++') },
  musl: { package: 'musl-tools', isThere: () => onPath('musl-gcc') },
  binutils: { package: 'binutils', isThere: () => onPath('readelf') },
  setpriv: { package: 'util-linux', isThere: () => onPath('setpriv') },
  chromium: { package: 'chromium', isThere: () => onPath('chromium') },
  fonts: { package: 'fonts-dejavu-core', isThere: () => existsSync('/usr/share/fonts/truetype/dejavu') },
}
/** What building the BPF program needs, and what the tests need besides. */
export const BUILD_TOOLS = ['clang', 'bpftool', 'libbpf headers']
export const TEST_TOOLS = [
  ...BUILD_TOOLS,
  'C compiler',
  'C library headers',
  'C++ compiler',
  'musl',
  'binutils',
  'setpriv',
  'chromium',
  'fonts',
]

export const say = (line) => process.stderr.write(`${line}\n`)

function onPath(command) {
  const directories = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':')
  return directories.some((directory) => {
    try {
      accessSync(path.join(directory, command), constants.X_OK)
      return true
    } catch (error) {
      if (error.code === undefined) throw error
      return false // not here, or not executable: the next directory may have it
    }
  })
}

/** Runs a command; resolves with its exit code and the end of what it said.
 *  quiet: output is shown only when the command fails. */
export function run(command, args, { quiet = false, env = process.env, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    })
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-20_000)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** Installs the npm packages of the lockfile, install scripts off; skipped while the lockfile is the one last installed. */
export async function installNodePackages() {
  const stamp = path.join(root, 'node_modules', '.flametrail-lock')
  const wanted = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('setup: npm install --ignore-scripts (about a minute the first time)')
  const started = Date.now()
  const { code, output } = await run(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { quiet: true },
  )
  if (code !== 0) throw new Error(`npm install failed with ${code}:\n${output}`)
  const now = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex')
  writeFileSync(stamp, now)
  say(`setup: npm packages installed in ${Math.round((Date.now() - started) / 1000)} s`)
}

/** Installs what is missing of `tools` from Debian's packages when we may.
 *  out  the tools still missing, with the command that brings them */
export async function installSystemPackages(tools) {
  const missing = () => tools.filter((tool) => !TOOLS[tool].isThere())
  const before = missing()
  if (before.length === 0) return { missing: [], cure: '' }
  const packages = [...new Set(before.map((tool) => TOOLS[tool].package))]
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || !onPath('apt-get')) return { missing: before, cure: command }
  say(`setup: ${command}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const started = Date.now()
  await run('apt-get', ['update', '-qq'], { quiet: true, env })
  const { code, output } = await run(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', ...packages],
    { quiet: true, env },
  )
  if (code !== 0) say(`setup: apt-get install failed with ${code}:\n${output.slice(-2_000)}`)
  else say(`setup: system packages installed in ${Math.round((Date.now() - started) / 1000)} s`)
  return { missing: missing(), cure: command }
}

/** True if this Node can run what we build; says the cure otherwise. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  say(
    `Node ${process.versions.node} is too old; Flametrail needs 20.19 or newer. Install a newer Node and run the command again.`,
  )
  process.exit(2)
}

/** Path of a tool of node_modules/.bin. */
export const bin = (name) => path.join(root, 'node_modules', '.bin', name)

/** Short hash of the commit we stand on, or "" outside a repository. */
export function commit() {
  const { status, stdout } = spawnSync(
    'git',
    ['-c', `safe.directory=${root}`, 'rev-parse', '--short=12', 'HEAD'],
    { cwd: root, encoding: 'utf8' },
  )
  return status === 0 ? stdout.trim() : ''
}
