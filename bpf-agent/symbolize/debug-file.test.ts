import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { parseMappings } from '../host/mappings.ts'
import { createBinaries } from './binaries.ts'
import { openDebugFile } from './debug-file.ts'
import { compile, nm, readBytes, readElfFile, temporaryFolder } from './testing.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const PROGRAM = `
#include <unistd.h>
static __attribute__((noinline)) int hidden(int n) { return n * 3; }
int main(void) { write(1, "up", 2); pause(); return hidden(1); }`

/** A stripped program and the file with its symbols, linked by name. */
function split(flags: readonly string[] = []) {
  const path = compile(PROGRAM, flags)
  const { address } = nm(path).find(({ name }) => name === 'hidden')!
  const debug = `${path}.debug`
  execFileSync('objcopy', ['--only-keep-debug', path, debug])
  execFileSync('strip', [path])
  execFileSync('objcopy', [`--add-gnu-debuglink=${debug}`, path])
  return { path, debug, address, folder: join(path, '..') }
}

async function nameIn(path: string, address: number, command: readonly string[] = [path]) {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await new Promise((resolve) => child.stdout!.once('data', resolve))
  const mappings = parseMappings(readBytes(`/proc/${child.pid}/maps`))
  const binaries = createBinaries()
  binaries.hold(child.pid!, mappings)
  const row = mappings.path.findIndex((one) => one.endsWith('/program'))
  const functions = binaries.functionsAt(binaries.at(mappings.file[row]!)!, address)
  binaries.close()
  return functions.map(({ name }) => name)
}

describe('openDebugFile', () => {
  it('names static functions of a stripped program by the file that its link names', async () => {
    const { path, address } = split()
    expect(readElfFile(path)).toMatchObject({ debugLink: 'program.debug' })
    expect(await nameIn(path, address)).toEqual(['hidden'])
  })

  it('looks into .debug beside the program', async () => {
    const { path, debug, address, folder } = split()
    mkdirSync(join(folder, '.debug'))
    renameSync(debug, join(folder, '.debug', 'program.debug'))
    expect(await nameIn(path, address)).toEqual(['hidden'])
  })

  it('believes a file without build ID by its checksum only', async () => {
    const { path, debug, address } = split(['-Wl,--build-id=none'])
    expect(readElfFile(path).buildId).toBe('')
    expect(await nameIn(path, address)).toEqual(['hidden'])
    appendFileSync(debug, 'x')
    expect(await nameIn(path, address)).toEqual([])
  })

  it('does not believe the file of another build', async () => {
    const one = split()
    const other = split(['-Wl,--build-id=0x1122334455667788'])
    renameSync(other.debug, one.debug)
    expect(await nameIn(one.path, one.address)).toEqual([])
  })

  it.skipIf(process.getuid?.() !== 0 || !existsSync('/usr/lib/debug'))(
    'looks by build ID in the file system of the process (needs root and /usr/lib/debug)',
    async () => {
      const { path, debug, address } = split()
      const { buildId } = readElfFile(path)
      const place = `/usr/lib/debug/.build-id/${buildId.slice(0, 2)}`
      const script = `mount -t tmpfs none /usr/lib/debug && mkdir -p ${place} &&
        mv ${debug} ${place}/${buildId.slice(2)}.debug && exec ${path}`
      expect(await nameIn(path, address, ['unshare', '-m', 'sh', '-c', script])).toEqual(['hidden'])
      expect(existsSync(`${place}/${buildId.slice(2)}.debug`)).toBe(false)
    },
  )

  it('opens nothing that a link or a build ID leads elsewhere to', () => {
    const folder = temporaryFolder()
    const at = { tgid: process.pid, path: join(folder, 'program') }
    writeFileSync(join(folder, 'debug'), readBytes('/bin/ls'))
    const { buildId } = readElfFile('/bin/ls')
    const open = (debugLink: string) => openDebugFile(at, { buildId, debugLink, debugLinkCrc: 0 })
    expect(open('debug')).toBeDefined()
    for (const link of [
      '',
      '.',
      '..',
      `../${folder.split('/').at(-1)}/debug`,
      join(folder, 'debug'),
      'x'.repeat(300),
    ])
      expect(open(link)).toBeUndefined()
    execFileSync('mkfifo', [join(folder, 'fifo')])
    expect(open('fifo')).toBeUndefined()
    for (const odd of ['../../../..', '', 'zz', 'ab'.repeat(100)])
      expect(openDebugFile(at, { buildId: odd, debugLink: '', debugLinkCrc: 0 })).toBeUndefined()
  })
})
