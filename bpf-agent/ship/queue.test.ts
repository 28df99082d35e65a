import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryQueue } from './queue.ts'

const parcel = (bytes: number, samples = bytes) => ({ body: new Uint8Array(bytes), samples })

describe('memoryQueue', () => {
  it('gives the oldest first, and lets the oldest go when it is full', () => {
    const queue = memoryQueue(10)
    const [a, b, c] = [parcel(4), parcel(5), parcel(3)]
    expect([...queue.push(a), ...queue.push(b)]).toEqual([])
    expect(queue.push(c)).toEqual([a])
    expect([queue.take(), queue.take(), queue.take()]).toEqual([b, c, undefined])
    expect([queue.count, queue.bytes, queue.samples]).toEqual([0, 0, 0])
  })

  it('does not keep what alone exceeds the bound', () => {
    const queue = memoryQueue(10)
    const large = parcel(11)
    expect(queue.push(large)).toEqual([large])
    expect(queue.count).toBe(0)
  })

  it('drops what was taken and comes back when newer ones have filled its place', () => {
    const queue = memoryQueue(10)
    const old = parcel(4)
    queue.push(old)
    queue.take()
    queue.push(parcel(8))
    expect(queue.putBack(old)).toEqual([old])
    expect(queue.bytes).toBe(8)
  })

  it('never exceeds its bound and loses no parcel out of the books, whatever happens', () => {
    const steps = fc.array(fc.oneof(fc.nat(12), fc.constantFrom('take' as const, 'back' as const)))
    fc.assert(
      fc.property(steps, (all) => {
        const queue = memoryQueue(20)
        const taken: ReturnType<typeof parcel>[] = []
        let [pushed, gone] = [0, 0]
        for (const step of all) {
          if (step === 'take') {
            const one = queue.take()
            if (one) taken.push({ ...one, body: new Uint8Array(one.body) })
          } else if (step === 'back') {
            const one = taken.pop()
            for (const { samples } of one ? queue.putBack(one) : []) gone += samples
          } else {
            pushed += step
            for (const { samples } of queue.push(parcel(step))) gone += samples
          }
          const away = taken.reduce((sum, { samples }) => sum + samples, 0)
          expect(queue.bytes).toBeLessThanOrEqual(20)
          expect(queue.samples + away + gone).toBe(pushed)
        }
      }),
    )
  })
})
