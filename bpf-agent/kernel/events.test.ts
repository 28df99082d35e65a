import { describe, expect, it } from 'vitest'
import { createEventReader } from './events.ts'
import { offsetOf } from './object-spec.ts'
import { memoryRing, SPEC } from './testing.ts'

function eventBytes(kind: number, tgid: number, other = 0): Uint8Array {
  const bytes = Buffer.alloc(40)
  const at = (field: string) => offsetOf(SPEC, 'event', field)
  bytes.writeUInt32LE(kind, at('kind'))
  bytes.writeUInt32LE(tgid, at('tgid'))
  bytes.writeUInt32LE(other, at('other'))
  bytes.writeUInt32LE(123, at('start_ticks'))
  bytes.writeBigUInt64LE(2_000_000n, at('time_ns'))
  return bytes
}

describe('the reader of events', () => {
  it('tells who began, changed and ended, in order', () => {
    const memory = memoryRing()
    memory.write(eventBytes(0, 20, 10))
    memory.write(eventBytes(1, 20))
    memory.write(eventBytes(2, 20))
    const read = createEventReader(SPEC, memory.ring)
    const same = { tgid: 20, startTicks: 123, timeMs: 2 }
    expect(read()).toEqual([
      { kind: 'fork', parentTgid: 10, ...same },
      { kind: 'exec', parentTgid: 0, ...same },
      { kind: 'exit', parentTgid: 0, ...same },
    ])
    expect(read()).toEqual([])
  })

  it('throws for a kind that the manifest does not know', () => {
    const memory = memoryRing()
    memory.write(eventBytes(9, 20))
    expect(createEventReader(SPEC, memory.ring)).toThrow('kind 9')
  })
})
