import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tableOfBytes, tableToBytes } from './table-bytes.ts'
import { drawTable } from './testing.ts'

const TABLE = drawTable('0x70000: 8 16 . | | . 24 8 8000')

describe('a table in a file', () => {
  it('comes back as it was', () => {
    expect(tableOfBytes(tableToBytes(TABLE))).toEqual({ ok: true, value: TABLE })
    const empty = drawTable('0')
    expect(tableOfBytes(tableToBytes(empty))).toEqual({ ok: true, value: empty })
  })

  it('is refused when any byte of it differs, when it is cut, and when it is something else', () => {
    const bytes = tableToBytes(TABLE)
    for (let i = 0; i < bytes.length; i++) {
      const wrong = bytes.slice()
      wrong[i]! ^= 0x10
      expect([i, tableOfBytes(wrong).ok]).toEqual([i, false])
      expect(tableOfBytes(bytes.slice(0, i)).ok).toBe(false)
    }
    expect(tableOfBytes(new TextEncoder().encode('x'.repeat(4000))).ok).toBe(false)
  })

  it('is refused when its columns contradict each other, though the checksum is right', () => {
    const wrong = (change: Partial<typeof TABLE>) => {
      const result = tableOfBytes(tableToBytes({ ...TABLE, ...change }))
      return result.ok ? 'taken' : result.error.message
    }
    expect(wrong({ rule: TABLE.rule.map(() => 9) })).toBe('rule 9 of 5')
    expect(wrong({ pc: TABLE.pc.map(() => 0) })).toBe('rows 0 and 1 are not in the order of their addresses')
    expect(wrong({ pageFirst: Uint32Array.of(0, 3, 2, 7) })).toBe('page 1 has -1 rows')
    expect(wrong({ pageFirst: Uint32Array.of(0, 5, 5, 7) })).toBe(
      'rows 2 and 3 are not in the order of their addresses',
    )
    expect(wrong({ pageFirst: Uint32Array.of(0, 3, 3, 9) })).toBe('pages do not cover the rows')
    expect(wrong({ rules: new Uint8Array() })).toBe('there is no rule 0')
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => tableOfBytes(bytes).ok === false))
  })
})
