import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BUSY, DISCARD, memoryRing } from './testing.ts'

const text = (ring: ReturnType<typeof memoryRing>['ring'], byte: number) =>
  Buffer.from(new Uint8Array(ring.data, byte, ring.length)).toString()

function readAll(memory: ReturnType<typeof memoryRing>): string[] {
  const found: string[] = []
  for (let byte = memory.ring.next(); byte >= 0; byte = memory.ring.next())
    found.push(text(memory.ring, byte))
  memory.ring.release()
  return found
}

describe('a ring', () => {
  it('gives records in order, once', () => {
    const memory = memoryRing()
    memory.write(Buffer.from('one'))
    memory.write(Buffer.from('second'))
    expect(readAll(memory)).toEqual(['one', 'second'])
    expect(readAll(memory)).toEqual([])
  })

  it('waits at a record that the kernel is still writing', () => {
    const memory = memoryRing()
    memory.write(Buffer.from('ready'))
    memory.write(Buffer.from('later'), BUSY)
    expect(readAll(memory)).toEqual(['ready'])
    memory.setHeader(16n, 5)
    expect(readAll(memory)).toEqual(['later'])
  })

  it('steps over what the kernel discarded', () => {
    const memory = memoryRing()
    memory.write(Buffer.from('gone'), DISCARD)
    memory.write(Buffer.from('kept'))
    expect(readAll(memory)).toEqual(['kept'])
  })

  it('keeps records for the kernel to see until they are released', () => {
    const memory = memoryRing()
    memory.write(Buffer.from('one'))
    memory.ring.next()
    expect(memory.consumed()).toBe(0n)
    memory.ring.release()
    expect(memory.consumed()).toBe(16n)
  })

  it('gives an unread record again', () => {
    const memory = memoryRing()
    memory.write(Buffer.from('one'))
    memory.write(Buffer.from('two'))
    memory.ring.next()
    memory.ring.next()
    memory.ring.unread()
    memory.ring.release()
    expect(readAll(memory)).toEqual(['two'])
  })

  it('refuses a length that cannot be', () => {
    const memory = memoryRing(4096)
    memory.write(Buffer.from('x'))
    memory.setHeader(0n, 4090)
    expect(() => memory.ring.next()).toThrow('holds a record of 4090')
  })

  it('says how full it is', () => {
    const memory = memoryRing(4096)
    expect(memory.ring.fill()).toBe(0)
    memory.write(Buffer.alloc(1016))
    expect(memory.ring.fill()).toBe(0.25)
    readAll(memory)
    expect(memory.ring.fill()).toBe(0)
  })

  it('loses and invents nothing, wherever it wraps and however far its positions are', () => {
    const records = fc.array(fc.string({ minLength: 1, maxLength: 300 }), { maxLength: 60 })
    const start = fc.constantFrom(0n, 4088n, 2n ** 32n - 8n, 2n ** 53n)
    fc.assert(
      fc.property(records, start, fc.integer({ min: 1, max: 7 }), (all, begin, every) => {
        const memory = memoryRing(4096, begin)
        const sent: string[] = []
        const got: string[] = []
        all.forEach((record, i) => {
          if (memory.write(Buffer.from(record))) sent.push(record)
          if (i % every === 0) got.push(...readAll(memory))
        })
        got.push(...readAll(memory))
        expect(got).toEqual(sent)
      }),
    )
  })
})
