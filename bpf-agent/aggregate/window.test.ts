import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawBatch } from '../kernel/testing.ts'
import { createAggregator, type Window } from './window.ts'

const SPAN = { timeMs: 1_000_000, durationMs: 10_000 }

/** A window as lines: `samples× tgid comm kernelLeaf … | userLeaf …`, addresses in hex. */
function draw(window: Window): string[] {
  return Array.from({ length: window.count }, (_, row) => {
    const from = window.frameStart[row]!
    const addresses = Array.from({ length: window.frameStart[row + 1]! - from }, (_, k) =>
      ((BigInt(window.addressHigh[from + k]!) << 32n) | BigInt(window.addressLow[from + k]!)).toString(16),
    )
    const kernel = addresses.slice(0, window.kernelFrames[row]).join(' ')
    const user = addresses.slice(window.kernelFrames[row]).join(' ')
    return `${window.samples[row]}× ${window.tgid[row]} ${window.comm[row]} ${kernel} | ${user}`.replace(
      / {2,}/g,
      ' ',
    )
  })
}

describe('a window', () => {
  it('counts equal stacks and keeps apart what differs', () => {
    const aggregator = createAggregator(['fp_zero'], () => 0)
    aggregator.add(
      drawBatch(`
        10 sh    ffffffff81000000 | 7f0000001000 7f0000002000
        10 sh    ffffffff81000000 | 7f0000001000 7f0000002000
        10 sh                     | 7f0000001000 7f0000002000
        11 sh                     | 7f0000001000 7f0000002000
        11 other                  | 7f0000001000 7f0000002000
        11 other                  | 7f0000001000 7e0000002000
        11 other                  | 7f0000001000 7f0000002001
        11 other                  | 7f0000001000
      `),
    )
    expect(draw(aggregator.take(SPAN))).toEqual([
      '2× 10 sh ffffffff81000000 | 7f0000001000 7f0000002000',
      '1× 10 sh | 7f0000001000 7f0000002000',
      '1× 11 sh | 7f0000001000 7f0000002000',
      '1× 11 other | 7f0000001000 7f0000002000',
      '1× 11 other | 7f0000001000 7e0000002000',
      '1× 11 other | 7f0000001000 7f0000002001',
      '1× 11 other | 7f0000001000',
    ])
  })

  it('keeps apart a kernel frame from a user frame of the same address', () => {
    const aggregator = createAggregator(['fp_zero'], () => 0)
    aggregator.add(drawBatch('1 a 10 20 | \n 1 a 10 | 20'))
    expect(draw(aggregator.take(SPAN))).toEqual(['1× 1 a 10 20 | ', '1× 1 a 10 | 20'])
  })

  it('keeps apart what a process was at different times', () => {
    const batch = drawBatch('1 a | 10\n1 a | 10\n1 a | 10\n2 a | 10')
    batch.timeMs.set([5, 15, 16, 17])
    const aggregator = createAggregator(['fp_zero'], (tgid, startTicks, timeMs) => {
      expect(startTicks).toBe(batch.startTicks[0])
      return tgid === 1 && timeMs > 10 ? 7 : 3
    })
    aggregator.add(batch)
    const window = aggregator.take(SPAN)
    expect(draw(window)).toEqual(['1× 1 a | 10', '2× 1 a | 10', '1× 2 a | 10'])
    expect([...window.generation]).toEqual([3, 7, 3])
  })

  it('keeps apart processes that share a PID one after the other', () => {
    const batch = drawBatch('1 a | 10\n1 a | 10')
    batch.startTicks[1] = 200
    const aggregator = createAggregator(['fp_zero'], () => 0)
    aggregator.add(batch)
    expect([...aggregator.take(SPAN).startTicks]).toEqual([100, 200])
  })

  it('names how a stack ended, also by a reason it does not know', () => {
    const batch = drawBatch('1 a | 10\n1 a | 10')
    batch.stop.set([0, 9])
    const aggregator = createAggregator(['fp_zero'], () => 0)
    aggregator.add(batch)
    expect(aggregator.take(SPAN).stop).toEqual(['fp_zero', 'stop_9'])
  })

  it('is empty after it was taken, and what was taken stays as it was', () => {
    const aggregator = createAggregator(['fp_zero'], () => 0)
    aggregator.add(drawBatch('1 a | 10'))
    const first = aggregator.take(SPAN)
    aggregator.add(drawBatch('2 b | 20 30'))
    expect(draw(first)).toEqual(['1× 1 a | 10'])
    expect(draw(aggregator.take(SPAN))).toEqual(['1× 2 b | 20 30'])
    expect(aggregator.take(SPAN)).toMatchObject({ count: 0, samplesTotal: 0, ...SPAN })
  })

  it('shows hostile names without their control characters', () => {
    const batch = drawBatch('1 x | 10\n2 x | 10')
    batch.comm.set(Buffer.from('\u001b[31mred\n'), 0)
    batch.comm.set([0xff, 0xfe, 0x41, 0], 16)
    const aggregator = createAggregator(['fp_zero'], () => 0)
    aggregator.add(batch)
    expect(aggregator.take(SPAN).comm).toEqual(['?[31mred?', '\ufffd\ufffdA'])
  })

  it('takes a name that fills all sixteen bytes', () => {
    const aggregator = createAggregator(['fp_zero'], () => 0)
    aggregator.add(drawBatch('1 0123456789abcdef | 10'))
    expect(aggregator.take(SPAN).comm).toEqual(['0123456789abcdef'])
  })

  it('says where it became full of stacks, and still counts those it has', () => {
    const aggregator = createAggregator(['fp_zero'], () => 0, { stacksMax: 2, framesMax: 100 })
    const batch = drawBatch('1 a | 10\n2 a | 10\n1 a | 10\n3 a | 10\n1 a | 10')
    expect(aggregator.add(batch)).toBe(3)
    expect(draw(aggregator.take(SPAN))).toEqual(['2× 1 a | 10', '1× 2 a | 10'])
    expect(aggregator.add(batch, 3)).toBe(5)
    expect(draw(aggregator.take(SPAN))).toEqual(['1× 3 a | 10', '1× 1 a | 10'])
  })

  it('says where it became full of frames, but takes any stack when it is empty', () => {
    const aggregator = createAggregator(['fp_zero'], () => 0, { stacksMax: 10, framesMax: 3 })
    const batch = drawBatch('1 a | 1 2\n1 a | 3 4\n1 a | 5 6 7 8 9')
    expect(aggregator.add(batch)).toBe(1)
    aggregator.take(SPAN)
    expect(aggregator.add(batch, 1)).toBe(2)
    aggregator.take(SPAN)
    expect(aggregator.add(batch, 2)).toBe(3)
    expect(draw(aggregator.take(SPAN))).toEqual(['1× 1 a | 5 6 7 8 9'])
  })

  it('equals counting in a Map of texts', () => {
    const record = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom('a', 'b'),
      fc.array(fc.constantFrom('10', 'ffffffff00000010', '1000000010'), { maxLength: 3 }),
      fc.array(fc.constantFrom('10', '20', '7f0000000010'), { maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(record, { maxLength: 80 }), (records) => {
        const lines = records.map(([tgid, comm, kernel, user]) =>
          `${tgid} ${comm} ${kernel.join(' ')} | ${user.join(' ')}`.replace(/ {2,}/g, ' '),
        )
        const naive = new Map<string, number>()
        for (const line of lines) naive.set(line, (naive.get(line) ?? 0) + 1)
        const aggregator = createAggregator(['fp_zero'], () => 0, { stacksMax: 1000, framesMax: 10_000 })
        aggregator.add(drawBatch(lines.join('\n')))
        const window = aggregator.take(SPAN)
        expect(draw(window)).toEqual([...naive].map(([line, samples]) => `${samples}× ${line}`))
        expect(window.samplesTotal).toBe(records.length)
      }),
    )
  })
})
