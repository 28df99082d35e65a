import { describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
import { readElf } from '../elf/elf-file.ts'
import { createFiles, type TableFile } from './files.ts'
import { createRowStore } from './row-store.ts'
import { createMemoryKernel, drawElf, drawMappings, drawTable, slowly } from './testing.ts'

const SIZES = { vmas: 8, pages: 16, rules: 40, rows: 4096, shardRows: 65_536, procs: 8 }
const BUILD_ID = 'ab'.repeat(20)
const NOTE_AT = 176

/** The smallest ELF file with a note in it that says BUILD_ID. */
function drawClaimingElf(entry: number): Uint8Array {
  const file = new Uint8Array(NOTE_AT + 36)
  file.set(drawElf({ entry, bytes: 0x3000 }))
  const view = new DataView(file.buffer)
  view.setUint16(56, 2, true) // segments
  view.setUint32(120, 4, true) // PT_NOTE
  view.setBigUint64(128, BigInt(NOTE_AT), true)
  view.setBigUint64(152, 36n, true)
  for (const [i, word] of [4, 20, 3].entries()) view.setUint32(NOTE_AT + 4 * i, word, true)
  file.set(new TextEncoder().encode('GNU'), NOTE_AT + 12)
  file.fill(0xab, NOTE_AT + 16)
  return file
}

/** Files by their inode, all with one build ID and one size; the table of each is drawn by its ELF entry. */
function createClaimers(tables: Readonly<Record<string, string>>) {
  const inodes = Object.keys(tables)
  const files = createFiles({
    store: createRowStore(createMemoryKernel(SIZES), 4096),
    open: (_tgid, { file }) => ({
      source: bytesSource(drawClaimingElf(1 + inodes.indexOf(file))),
      version: file,
      close() {},
    }),
    versionOf: (_tgid, { file }) => file,
    compile: (source) => slowly(drawTable(tables[inodes[source.read(24, 1)[0]! - 1]!]!), 1),
    vdso: undefined,
    machine: 62,
    nowMs: () => 0,
  })
  const fileOf = (inode: string) =>
    files.fileOf(1, drawMappings([[0x1000, 3, inode, 0, '/lib/one.so']]), 0) as TableFile
  return { files, fileOf }
}

describe('two files that say the same build ID and have the same size', () => {
  it('are what this test is about', () => {
    for (const entry of [1, 2]) {
      const elf = readElf(bytesSource(drawClaimingElf(entry)))
      expect(elf.ok && elf.value.buildId).toBe(BUILD_ID)
    }
  })

  it('have each their own rows: a copy with a crafted table spoils nobody else', () => {
    const { files, fileOf } = createClaimers({ 'f:1': '0: 666 .', 'f:2': '0: 7 . 9' })
    const [crafted, honest] = [fileOf('f:1'), fileOf('f:2')]
    files.compile(100)
    expect([crafted.placed?.nRows, honest.placed?.nRows]).toEqual([2, 3])
    expect(honest.placed?.firstRow).not.toBe(crafted.placed?.firstRow)
  })

  it('share the rows in the kernel when those are equal, as copies in containers are', () => {
    const { files, fileOf } = createClaimers({ 'f:1': '0: 7 . 9', 'f:2': '0: 7 . 9' })
    const [one, other] = [fileOf('f:1'), fileOf('f:2')]
    expect(one).not.toBe(other)
    files.compile(100)
    expect(other.placed).toBe(one.placed)
    expect(files.count).toBe(2)
  })
})
