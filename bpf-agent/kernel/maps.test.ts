// Maps of the real kernel, made here. Needs root (or BPF).
import { afterEach, describe, expect, it } from 'vitest'
import { createMap, deleteElem, lookUpElem, mmapArray, unmapArray, updateElem } from './maps.ts'
import { closeFd } from './syscalls.ts'

const [HASH, ARRAY] = [1, 2]
const [NO_PREALLOC, MMAPABLE] = [1, 1024]
const open: number[] = []
const make = (type: number, { entries = 4, flags = 0, keyBytes = 4, valueBytes = 8 } = {}) => {
  const fd = createMap({ type, entries, flags, keyBytes, valueBytes }, 'test_map')
  open.push(fd)
  return fd
}
const word = (number: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(number)
  return bytes
}
const value = (text: string) => Buffer.from(text.padEnd(8, '.'))

describe.skipIf(process.getuid?.() !== 0)('maps of the kernel', () => {
  afterEach(() => {
    for (const fd of open.splice(0)) closeFd(fd)
  })

  it('keep, replace and lose elements', () => {
    const map = make(HASH, { flags: NO_PREALLOC })
    const found = Buffer.alloc(8)
    expect(lookUpElem(map, word(7), found)).toBe(false)
    updateElem(map, word(7), value('one'))
    updateElem(map, word(7), value('two'))
    expect(lookUpElem(map, word(7), found)).toBe(true)
    expect(found.toString()).toBe('two.....')
    expect([deleteElem(map, word(7)), deleteElem(map, word(7))]).toEqual([true, false])
  })

  it('say that they are full, or that a key, an operation or a descriptor is none of theirs', () => {
    const map = make(HASH, { entries: 1 })
    updateElem(map, word(1), value('one'))
    expect(() => updateElem(map, word(2), value('two'))).toThrow(/writing a BPF map: E2BIG/)
    const array = make(ARRAY)
    expect(() => updateElem(array, word(4), value('five'))).toThrow('E2BIG')
    expect(() => deleteElem(array, word(0))).toThrow(/deleting from a BPF map: EINVAL/)
    expect(() => lookUpElem(0x7fff_ffff, word(0), Buffer.alloc(8))).toThrow(/reading a BPF map: EBADF/)
    expect(() =>
      createMap({ type: 9999, entries: 1, flags: 0, keyBytes: 4, valueBytes: 4 }, 'no_map'),
    ).toThrow(/making the BPF map no_map: EINVAL/)
  })

  it('are memory where they were made for it', () => {
    const map = make(ARRAY, { entries: 600, flags: MMAPABLE })
    const memory = mmapArray(map, 600 * 8)
    expect(memory.length).toBe(4800)
    value('here').copy(memory, 599 * 8)
    const found = Buffer.alloc(8)
    lookUpElem(map, word(599), found)
    expect(found.toString()).toBe('here....')
    updateElem(map, word(1), value('there'))
    expect(memory.toString('latin1', 8, 16)).toBe('there...')
    unmapArray(memory)
    unmapArray(memory)
    expect(() => mmapArray(make(ARRAY), 32)).toThrow('mmap')
  })
})
