import fc from 'fast-check'
import { expect, it } from 'vitest'
import { drawBatch } from '../kernel/testing.ts'
import { keepRecords } from './keep-records.ts'
import { createAggregator } from './window.ts'

const SPAN = { timeMs: 0, durationMs: 1 }
const windowOf = (batch: ReturnType<typeof drawBatch>) => {
  const aggregator = createAggregator(['fp_zero'], () => 0)
  aggregator.add(batch)
  return aggregator.take(SPAN)
}

it('takes out what is not meant, with its frames', () => {
  const batch = drawBatch(`
    10 sh    10 20 | 30
    11 other       | 40 50
    12 sh    60    |
    13 other       | 70
  `)
  const kept = keepRecords(batch, (record) => [11, 13].includes(batch.tgid[record]!))
  expect(windowOf(kept)).toEqual(windowOf(drawBatch('11 other | 40 50\n13 other | 70')))
})

it('law: what is left is what would have been drawn alone', () => {
  const arbLine = fc.record({
    tgid: fc.integer({ min: 1, max: 4 }),
    frames: fc.array(fc.nat(9), { maxLength: 4 }),
  })
  fc.assert(
    fc.property(fc.array(arbLine, { maxLength: 12 }), fc.nat(4), (lines, least) => {
      const draw = (rows: typeof lines) =>
        drawBatch(rows.map(({ tgid, frames }) => `${tgid} c${tgid} | ${frames.join(' ')}`).join('\n'))
      const batch = draw(lines)
      const kept = keepRecords(batch, (record) => batch.tgid[record]! >= least)
      expect(windowOf(kept)).toEqual(windowOf(draw(lines.filter(({ tgid }) => tgid >= least))))
    }),
  )
})
