import { execFileSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { monotonicMs } from '../host/clock.ts'
import { parseMappings } from '../host/mappings.ts'
import { fileSource, ifReadable, isUnchanged, openMapped, openRegular } from './open-file.ts'
import { libcPath, readBytes, temporaryFolder } from './testing.ts'

const folder = temporaryFolder()

describe('openRegular', () => {
  it('opens a regular file and reads from anywhere in it', () => {
    const path = join(folder, 'file')
    writeFileSync(path, 'abcdef')
    const open = openRegular(path)!
    expect(new TextDecoder().decode(fileSource(open).read(2, 3))).toBe('cde')
    expect(() => fileSource(open).read(5, 2)).toThrow('bytes 5 to 7 lie outside the file of 6')
    expect(() => fileSource(open).read(-1, 2)).toThrow(/lie outside/)
    closeSync(open.fd)
  })

  it('opens no FIFO, device, directory, and nothing that is not there: without hanging', () => {
    const fifo = join(folder, 'fifo')
    execFileSync('mkfifo', [fifo])
    const linked = join(folder, 'link-to-fifo')
    symlinkSync(fifo, linked)
    for (const path of [fifo, linked, '/dev/zero', folder, join(folder, 'none')])
      expect(openRegular(path)).toBeUndefined()
  })

  it('opens no other file than the expected one', () => {
    const path = join(folder, 'other')
    writeFileSync(path, 'x')
    expect(openRegular(path, ({ ino }) => ino === 1)).toBeUndefined()
  })

  it('notices that a file has changed or become shorter', () => {
    const path = join(folder, 'shrinking')
    writeFileSync(path, 'x'.repeat(10_000))
    const open = openRegular(path)!
    expect(isUnchanged(open)).toBe(true)
    truncateSync(path, 10)
    expect(isUnchanged(open)).toBe(false)
    expect(() => fileSource(open).read(0, 100)).toThrow('the file ends at 10, it had 10000 bytes')
    expect(ifReadable(() => fileSource(open).read(0, 100))).toBeUndefined()
    closeSync(open.fd)
    expect(ifReadable(() => fileSource(open).read(0, 5))).toBeUndefined()
    expect(() =>
      ifReadable(() => {
        throw new TypeError('ours')
      }),
    ).toThrow('ours')
  })
})

describe('openMapped, when the process has ended', () => {
  const GONE = 2 ** 30 // beyond every PID
  const maps = parseMappings(readBytes('/proc/self/maps'))
  const libc = maps.path.indexOf(libcPath())
  /** "device:" of this machine's folder for temporary files, learnt from libc's mapping when both lie on one disk. */
  const isOneDisk =
    statSync(folder).dev === statSync(libcPath()).dev &&
    maps.file[libc]!.endsWith(`:${statSync(libcPath()).ino}`)
  const device = maps.file[libc]!.slice(0, maps.file[libc]!.lastIndexOf(':'))
  const mappingOf = (path: string, inode = statSync(path).ino) => ({
    ...{ start: 0x1000, end: 0x2000, path, file: `${device}:${inode}` },
  })
  const opens = (mapping: ReturnType<typeof mappingOf>, origin?: Parameters<typeof openMapped>[2]) => {
    const open = openMapped(GONE, mapping, origin)
    if (open !== undefined) closeSync(open.fd)
    return open !== undefined
  }
  const path = join(folder, 'program')
  copyFileSync('/bin/true', path)
  utimesSync(path, 1000, 1000)

  it.skipIf(!isOneDisk)('finds the file by its path, as the parent or as we see it', () => {
    const sinceMs = monotonicMs()
    expect(opens(mappingOf(path), { parentTgid: process.pid, sinceMs })).toBe(true)
    expect(opens(mappingOf(path), { parentTgid: 0, sinceMs })).toBe(true)
    expect(opens(mappingOf(path), { parentTgid: GONE, sinceMs })).toBe(true)
  })

  it('never takes another file: without an origin, other inode, other device, no path', () => {
    const origin = { parentTgid: process.pid, sinceMs: monotonicMs() }
    expect(opens(mappingOf(path))).toBe(false)
    expect(opens(mappingOf(path, 1), origin)).toBe(false)
    expect(opens({ ...mappingOf(path), file: `3f:ff:${statSync(path).ino}` }, origin)).toBe(false)
    expect(opens({ ...mappingOf(path), path: 'program' }, origin)).toBe(false)
    expect(opens({ ...mappingOf(path), path: `${path} (deleted)` }, origin)).toBe(false)
  })

  it('takes no file that was written since it was mapped, and none of which that cannot be told', () => {
    const rewritten = join(folder, 'rewritten')
    copyFileSync('/bin/true', rewritten)
    const sinceMs = monotonicMs() - 60_000
    expect(opens(mappingOf(rewritten), { parentTgid: process.pid, sinceMs })).toBe(false)
    expect(opens(mappingOf(path), { parentTgid: process.pid, sinceMs: Number.NEGATIVE_INFINITY })).toBe(false)
  })
})
