import { describe, expect, it } from 'vitest'
import { makeFormat } from '#profile/picture/format'
import type { CallTree } from '#profile/tree/call-tree'
import { headerParts, type ProfileFacts, rangeText } from './facts.ts'

const printTime = (ms: number, pattern: string) =>
  pattern === 'HH:mm:ss' ? new Date(ms).toISOString().slice(11, 19) : new Date(ms).toISOString().slice(0, 10)
const tree = { total: Float64Array.of(2.78e11) } as CallTree
const FACTS: ProfileFacts = {
  samples: 5_282,
  fromMs: Date.UTC(2026, 10, 24, 10),
  toMs: Date.UTC(2026, 10, 24, 10, 15),
  endEarly: 0,
  unnamed: 0,
  nodes: { sent: 100, folded: 0 },
  sampleProfile: false,
}
const texts = (facts: ProfileFacts | undefined) =>
  headerParts({ tree, format: makeFormat('nanoseconds', 'CPU'), facts, comparing: 'share', printTime }).map(
    (part) => part.text,
  )

describe('headerParts', () => {
  it('says samples, value and range, and nothing of what is not amiss', () => {
    expect(texts(FACTS)).toEqual(['5,282 samples', '278 s CPU', '2026-11-24 10:00:00 to 10:15:00'])
    expect(texts({ ...FACTS, samples: 1 })[0]).toBe('1 sample')
  })
  it('says how many stacks end early, also where it is hardly any', () => {
    expect(texts({ ...FACTS, endEarly: 0.384 }).at(-1)).toBe('38 % of stacks end early')
    expect(texts({ ...FACTS, endEarly: 0.001 }).at(-1)).toMatch(/^<1 % of/)
  })
  it('says how many frames have no name, from a percent on', () => {
    expect(texts({ ...FACTS, unnamed: 0.123 }).at(-1)).toBe('12 % of frames have no name: no symbols')
    expect(texts({ ...FACTS, unnamed: 0.009 })).toEqual(texts(FACTS))
  })
  it('says how many samples were lost, from a percent on, and nothing where nobody knows', () => {
    expect(texts({ ...FACTS, lost: 0.0312 }).at(-1)).toBe('3 % of samples were lost')
    expect(texts({ ...FACTS, lost: 0.009 })).toEqual(texts(FACTS))
  })
  it('says that the sample profile is none of this machine, first of all', () => {
    expect(texts({ ...FACTS, sampleProfile: true })[0]).toBe('sample profile, not this machine')
  })
  it('knows nothing but the total of a foreign frame', () => {
    expect(texts(undefined)).toEqual(['278 s CPU'])
  })
  it('names the day of the end where it is another', () => {
    expect(rangeText(FACTS.fromMs, FACTS.toMs + 86_400_000, printTime)).toBe(
      '2026-11-24 10:00:00 to 2026-11-25 10:15:00',
    )
  })
})
