import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { compileUnwindTable } from '../dwarf/unwind-table.ts'
import { bytesSource } from '../elf/byte-source.ts'
import { startFileCompilation } from './file-compilation.ts'
import { openTableCache } from './table-cache.ts'
import { drawTable } from './testing.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'flametrail-cache-'))
  folders.push(made)
  return path.join(made, 'tables')
}
const key = (digit: number) => String(digit).repeat(64)
const TABLE = drawTable('0: 8 16')
const libc = /\S*\/libc[.-]\S*/.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0] ?? process.execPath

describe('the cache of tables', () => {
  it('gives back what was written, also to the next agent', () => {
    const place = folder()
    openTableCache(place)!.write(key(1), TABLE)
    const cache = openTableCache(place)!
    expect([cache.read(key(1)), cache.read(key(2)), cache.hits]).toEqual([TABLE, undefined, 1])
    expect(statSync(place).mode & 0o777).toBe(0o700)
  })

  it.each([
    ['others may write to', (place: string) => chmodSync(place, 0o777)],
    ['the group may write to', (place: string) => chmodSync(place, 0o770)],
    [
      'is a link to another',
      (place: string) => {
        renameSync(place, `${place}.elsewhere`)
        symlinkSync(`${place}.elsewhere`, place)
      },
    ],
    [
      'is a file',
      (place: string) => {
        rmSync(place, { recursive: true })
        writeFileSync(place, '')
      },
    ],
  ])('refuses a folder that %s: rows of strangers would be believed', (_, spoil) => {
    const place = folder()
    openTableCache(place)!.write(key(1), TABLE)
    spoil(place)
    expect(openTableCache(place)).toBeUndefined()
  })

  it('removes what is damaged, and counts it', () => {
    const place = folder()
    const cache = openTableCache(place)!
    cache.write(key(1), TABLE)
    const file = path.join(place, readdirSync(place)[0]!)
    appendFileSync(file, 'x')
    expect([cache.read(key(1)), cache.damaged, readdirSync(place)]).toEqual([undefined, 1, []])
  })

  it('keeps within its bytes what was used last, and nothing half written', () => {
    const place = folder()
    const cache = openTableCache(place)!
    for (let i = 1; i <= 4; i++) cache.write(key(i), TABLE)
    const files = readdirSync(place).sort()
    for (const [i, file] of files.entries()) utimesSync(path.join(place, file), 1000 + i, 1000 + i)
    writeFileSync(path.join(place, 'ab.cd.new'), 'half')
    utimesSync(path.join(place, 'ab.cd.new'), 2000, 2000)
    writeFileSync(path.join(place, 'README'), 'not ours')
    const bytes = statSync(path.join(place, files[0]!)).size
    const { read } = openTableCache(place, 2 * bytes + 5)!
    expect([1, 2, 3, 4].map((i) => read(key(i)) !== undefined)).toEqual([false, false, true, true])
    expect(readdirSync(place)).toContain('README')
    expect(readdirSync(place)).not.toContain('ab.cd.new')
  })

  it('is not there where no folder can be, and does not mind that a write fails', () => {
    const file = `${folder()}-file`
    writeFileSync(file, '')
    expect(openTableCache(path.join(file, 'x'))).toBeUndefined()
    const place = folder()
    const cache = openTableCache(place)!
    rmSync(place, { recursive: true })
    cache.write(key(1), TABLE)
    expect(cache.read(key(1))).toBeUndefined()
  })
})

describe('a compilation with a cache', () => {
  it('reads the second time what it wrote the first time: the rows of a real library', () => {
    const source = bytesSource(new Uint8Array(readFileSync(libc)))
    const cache = openTableCache(folder())!
    const compile = () => {
      const compilation = startFileCompilation(source, undefined, { nowMs: () => 0, cache, child: undefined })
      for (;;) {
        const result = compilation.step(0)
        if (result) return result
      }
    }
    const expected = compileUnwindTable(source)
    expect(expected.ok && expected.value.pc.length > 10_000).toBe(true)
    expect([compile(), cache.hits]).toEqual([expected, 0])
    expect([compile(), cache.hits]).toEqual([expected, 1])
  })

  it('does not take the table of another content for its own', () => {
    const bytes = new Uint8Array(readFileSync(libc))
    const cache = openTableCache(folder())!
    const compile = (of: Uint8Array) =>
      startFileCompilation(bytesSource(of), undefined, { nowMs: () => 0, cache, child: undefined }).step(1e9)
    compile(bytes)
    const other = bytes.slice()
    const { offset, size } = ehFrameOf(other)
    other[offset + (size >> 1)]! ^= 1
    compile(other)
    expect(cache.hits).toBe(0)
  })
})

/** By the name table of the sections, without our own reader. */
function ehFrameOf(bytes: Uint8Array): { offset: number; size: number } {
  const view = new DataView(bytes.buffer)
  const at = Number(view.getBigUint64(40, true))
  const count = view.getUint16(60, true)
  const names = Number(view.getBigUint64(at + 64 * view.getUint16(62, true) + 24, true))
  for (let i = 0; i < count; i++) {
    const section = at + 64 * i
    const name = names + view.getUint32(section, true)
    if (new TextDecoder().decode(bytes.subarray(name, name + 10)) === '.eh_frame\0')
      return {
        offset: Number(view.getBigUint64(section + 24, true)),
        size: Number(view.getBigUint64(section + 32, true)),
      }
  }
  throw new Error('no .eh_frame')
}
