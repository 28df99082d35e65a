import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, copyFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Mappings, parseMappings } from '../host/mappings.ts'
import { type Binaries, createBinaries } from './binaries.ts'
import type { Native } from './native.ts'
import { compile, libcPath, nm, readBytes, readElfFile, temporaryFolder } from './testing.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const PROGRAM = `
#include <unistd.h>
__attribute__((noinline)) int work(int n) { return n * 3; }
int main(void) { write(1, "up", 2); pause(); return work(1); }`

async function run(path: string): Promise<{ readonly tgid: number; readonly mappings: Mappings }> {
  const child = spawn(path, [], { stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(child)
  await new Promise((resolve) => child.stdout!.once('data', resolve))
  return { tgid: child.pid!, mappings: parseMappings(readBytes(`/proc/${child.pid}/maps`)) }
}

const fileOf = (mappings: Mappings, path: string) =>
  mappings.file[mappings.path.findIndex((one) => one.startsWith(path))]!
const addressOf = (path: string, name: string) => nm(path).find((line) => line.name === name)!.address
/** Name of the function that holds the code. */
const nameAt = (binaries: Binaries, native: Native, address: number) =>
  binaries.functionsAt(native, address).at(-1)?.name
const clock = (nowMs = 0) => ({ now: nowMs })

describe('createBinaries', () => {
  it('names functions of a program after it ended and its file was deleted', async () => {
    const path = compile(PROGRAM)
    const work = addressOf(path, 'work')
    const { buildId } = readElfFile(path)
    const { tgid, mappings } = await run(path)
    const binaries = createBinaries()
    binaries.hold(tgid, mappings)
    unlinkSync(path)
    children.pop()!.kill('SIGKILL')
    const native = binaries.at(fileOf(mappings, path))!
    expect(native.buildId).toBe(buildId)
    expect(nameAt(binaries, native, work)).toBe('work')
    expect(nameAt(binaries, native, work + 100_000)).toBeUndefined()
    binaries.close()
  })

  it('opens a program whose file was deleted or replaced before it was seen', async () => {
    const path = compile(PROGRAM)
    const work = addressOf(path, 'work')
    const { tgid } = await run(path)
    unlinkSync(path)
    copyFileSync('/bin/ls', path)
    const mappings = parseMappings(readBytes(`/proc/${tgid}/maps`))
    const binaries = createBinaries()
    binaries.hold(tgid, mappings)
    const native = binaries.at(fileOf(mappings, path))!
    expect(nameAt(binaries, native, work)).toBe('work')
    binaries.close()
  })

  it('does not believe a file that was overwritten while it was mapped', async () => {
    const path = compile(PROGRAM)
    const work = addressOf(path, 'work')
    const { tgid, mappings } = await run(path)
    const binaries = createBinaries()
    binaries.hold(tgid, mappings)
    children.pop()!.kill('SIGKILL')
    await overwrite(path)
    binaries.renewBudget()
    expect(nameAt(binaries, binaries.at(fileOf(mappings, path))!, work)).toBeUndefined()
    expect(binaries.refused.get('changed')).toBe(1)
    binaries.close()
  })

  it('has the vDSO and names what lies in it', () => {
    const binaries = createBinaries()
    const { vdso } = binaries
    expect(vdso).toBeDefined()
    vdso!.loadSymbols(() => undefined)
    const names = new Set<string | undefined>()
    for (let address = 0; address < binaries.vdsoBytes; address += 16)
      names.add(nameAt(binaries, vdso!, address))
    expect([...names].some((name) => name?.includes('gettime'))).toBe(true)
  })

  it('keeps to its number of files: the least recently used goes, and can be opened again', async () => {
    const path = compile(PROGRAM)
    const { tgid, mappings } = await run(path)
    const binaries = createBinaries({ filesMax: 1 })
    binaries.hold(tgid, mappings)
    expect(binaries.usage.files).toBe(1)
    expect(binaries.at(fileOf(mappings, path))).toBeUndefined()
    binaries.close()
    expect(binaries.usage.files).toBe(0)
    binaries.hold(tgid, mappings)
    expect(binaries.usage.files).toBe(1)
    binaries.close()
  })

  it('keeps to its memory: tables used longest ago go, one that is too large is not kept', async () => {
    const path = compile(PROGRAM)
    const { tgid, mappings } = await run(path)
    const libc = fileOf(mappings, libcPath())
    const binaries = createBinaries({ bytesMax: 8000 })
    binaries.hold(tgid, mappings)
    const program = binaries.at(fileOf(mappings, path))!
    expect(nameAt(binaries, program, addressOf(path, 'work'))).toBe('work')
    expect(program.hasSymbols).toBe(true)
    nameAt(binaries, binaries.at(libc)!, 0x27280)
    expect(binaries.usage.bytes).toBeLessThan(8000)
    expect(program.hasSymbols).toBe(false)
    binaries.close()
  })

  it('counts the names that have come since: with the next window the tables go that hold too many', async () => {
    const path = compile(PROGRAM)
    const { tgid, mappings } = await run(path)
    const work = addressOf(path, 'work')
    const probe = createBinaries()
    probe.hold(tgid, mappings)
    probe.functionsAt(probe.at(fileOf(mappings, path))!, 1)
    const binaries = createBinaries({ bytesMax: probe.usage.bytes + 100 }) // room for the table, not for a name
    probe.close()
    binaries.hold(tgid, mappings)
    const program = binaries.at(fileOf(mappings, path))!
    expect(nameAt(binaries, program, work)).toBe('work')
    expect(program.hasSymbols).toBe(true)
    binaries.renewBudget()
    expect(program.hasSymbols).toBe(false)
    expect(nameAt(binaries, program, work)).toBe('work')
    binaries.close()
  })

  it('loads no more symbols than a window has time for', async () => {
    const path = compile(PROGRAM)
    const { tgid, mappings } = await run(path)
    let now = 0
    const binaries = createBinaries({ nowMs: () => (now += 2000) })
    binaries.hold(tgid, mappings)
    const work = addressOf(path, 'work')
    const program = binaries.at(fileOf(mappings, path))!
    const libc = binaries.at(fileOf(mappings, libcPath()))!
    expect(nameAt(binaries, program, work)).toBe('work') // takes two seconds by this clock
    expect(nameAt(binaries, libc, 1)).toBeUndefined()
    expect(libc.hasSymbols).toBe(false)
    expect(binaries.refused.get('deferred')).toBe(1)
    binaries.renewBudget()
    nameAt(binaries, libc, 1)
    expect(libc.hasSymbols).toBe(true)
    binaries.close()
  })

  it('names no more than a window has time for, and goes on in the next', async () => {
    const path = compile(PROGRAM)
    const { tgid, mappings } = await run(path)
    let step = 0
    let now = 0
    const binaries = createBinaries({ nowMs: () => (now += step) })
    binaries.hold(tgid, mappings)
    const work = addressOf(path, 'work')
    const program = binaries.at(fileOf(mappings, path))!
    expect(nameAt(binaries, program, work)).toBe('work')
    step = 2000 // a crafted table: each name takes two seconds by this clock
    expect(nameAt(binaries, program, work)).toBe('work')
    expect(nameAt(binaries, program, work)).toBeUndefined()
    expect(binaries.refused.get('deferred')).toBe(1)
    binaries.renewBudget()
    expect(nameAt(binaries, program, work)).toBe('work')
    binaries.close()
  })

  it('lets a file go when nobody maps it for a minute', async () => {
    const { tgid, mappings } = await run(compile(PROGRAM))
    const time = clock()
    const binaries = createBinaries({ nowMs: () => time.now })
    binaries.hold(tgid, mappings)
    const open = binaries.usage.files
    time.now = 61_000
    binaries.release(() => true)
    expect(binaries.usage.files).toBe(open)
    binaries.release(() => false)
    expect(binaries.usage.files).toBe(0)
  })

  it('refuses what is no ELF file, and what is gone, and counts it', () => {
    const path = join(temporaryFolder(), 'data')
    writeFileSync(path, 'no program')
    const self = parseMappings(readBytes('/proc/self/maps'))
    const mapping = (inode: number): Mappings => ({
      ...self,
      file: self.file.map(() => `fe:00:${inode}`),
      path: self.path.map(() => path),
    })
    const { ino } = statSync(path)
    const binaries = createBinaries()
    binaries.hold(process.pid, mapping(ino))
    binaries.hold(process.pid, mapping(ino)) // remembered: it is not parsed again
    expect(binaries.at(`fe:00:${ino}`)).toBeUndefined()
    expect([...binaries.refused]).toEqual([['elf', 1]])
    binaries.hold(process.pid, mapping(ino + 1)) // the path now leads to another file
    expect(binaries.at(`fe:00:${ino + 1}`)).toBeUndefined()
    expect(binaries.refused.get('open')).toBeGreaterThan(0)
    binaries.close()
  })
})

/** Overwrites in place: the kernel forbids it for a moment after the last process is gone. */
async function overwrite(path: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    try {
      appendFileSync(path, 'x')
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ETXTBSY')) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  throw new Error(`${path} is still running`)
}
