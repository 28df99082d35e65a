import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BX_LOST,
  BX_SAME,
  currentAux,
  GAP_RULE,
  RULE_GAP,
  RULE_UNSUPPORTED,
  RuleTable,
  registerAux,
  UNSUPPORTED_RULE,
} from './rule.ts'

const s16 = fc.integer({ min: -32_768, max: 32_767 })
const anyRule = fc.record({ kind: fc.nat(15), fpKind: fc.nat(2), cfa: s16, fpOffset: s16, aux: s16 })

describe('RuleTable', () => {
  it('begins with the gap and the rule that fits no kind', () => {
    const bytes = new RuleTable().toBytes()
    expect([...bytes]).toEqual([RULE_GAP, 0, 0, 0, 0, 0, 0, 0, RULE_UNSUPPORTED, 0, 0, 0, 0, 0, 0, 0])
    expect([GAP_RULE, UNSUPPORTED_RULE]).toEqual([0, 1])
  })
  it('gives equal rules one number, different ones two, and reads back what was put in', () => {
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 60 }), (rules) => {
        const table = new RuleTable()
        const ids = rules.map((rule) => table.idOf(rule))
        expect(rules.map((rule) => table.idOf(rule))).toEqual(ids)
        const bytes = table.toBytes()
        const view = new DataView(bytes.buffer)
        ids.forEach((id, i) => {
          const [kind, fpKind] = [view.getUint8(8 * id), view.getUint8(8 * id + 1)]
          const [cfa, fpOffset, aux] = [2, 4, 6].map((at) => view.getInt16(8 * id + at, true))
          expect({ kind, fpKind, cfa, fpOffset, aux }).toEqual(rules[i])
        })
        expect(table.size).toBeLessThanOrEqual(2 + rules.length)
      }),
    )
  })
  it('is full at 8,191 rules, and still knows those it has', () => {
    const table = new RuleTable()
    const rule = (cfa: number) => ({ kind: 0, fpKind: 0, cfa, fpOffset: 0, aux: 0 })
    for (let i = 0; i < 8189; i++) expect(table.idOf(rule(i))).toBe(i + 2)
    expect(table.idOf(rule(9000))).toBe(-1)
    expect(table.idOf(rule(4000))).toBe(4002)
    expect(table.size).toBe(8191)
  })
})

describe('aux', () => {
  it('of a rule by register holds its place and where rbx is, or that it is lost', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.integer({ min: -1023, max: 1023 }), (place, words) => {
        const aux = registerAux(place, 8 * words)
        expect([aux & 31, aux >> 5]).toEqual([place, words])
        expect(aux).toBe((aux << 16) >> 16)
      }),
    )
    for (const bx of [BX_LOST, -8192, 8192, 12, Number.NaN]) expect(registerAux(5, bx) >> 5).toBe(-1024)
    expect(registerAux(5, BX_SAME)).toBe(5)
  })
  it('of the current goroutine holds two places, if they are some', () => {
    expect(currentAux({ thread: 0x30, current: 0xc0 })).toBe(6 | (24 << 6))
    expect(currentAux({ thread: 504, current: 4088 })).toBe(0x7fff)
    for (const place of [-8, 4, 512, Number.NaN])
      expect(currentAux({ thread: place, current: 0 })).toBeUndefined()
    for (const place of [-8, 4, 4096]) expect(currentAux({ thread: 0, current: place })).toBeUndefined()
  })
})
