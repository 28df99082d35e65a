import { execFileSync } from 'node:child_process'
import { closeSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileSource, ifReadable, isUnchanged, openRegular } from './open-file.ts'
import { temporaryFolder } from './testing.ts'

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
