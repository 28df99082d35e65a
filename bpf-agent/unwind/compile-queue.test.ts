import { describe, expect, it } from 'vitest'
import { success } from '#profile/model/result'
import { MalformedError } from '../elf/cursor.ts'
import { type Compilation, createCompileQueue } from './compile-queue.ts'
import { drawTable } from './testing.ts'

const TABLE = drawTable('0: 8')

/** A queue on a clock that only work moves. */
function drawQueue() {
  const state = { nowMs: 0 }
  const log: string[] = []
  const queue = createCompileQueue<string>(() => state.nowMs)
  const add = (key: string, size: number, step: Compilation['step']) =>
    queue.add({
      key,
      open: {
        source: { size, read: () => new Uint8Array() },
        close: () => log.push(`${key} closed`),
      },
      start: () => ({ step }),
    })
  /** Needs that many steps of 5 ms. */
  const work = (key: string, steps: number) => {
    let done = 0
    return () => {
      state.nowMs += 5
      log.push(key)
      return ++done === steps ? success(TABLE) : undefined
    }
  }
  return { queue, state, log, add, work }
}

describe('the queue of tables to compile', () => {
  it('works within its budget and goes on where it stopped', () => {
    const { queue, log, add, work } = drawQueue()
    add('a', 10, work('a', 6))
    expect(queue.run(20)).toEqual([])
    expect(log).toEqual(['a', 'a', 'a', 'a'])
    expect(queue.run(20)).toEqual([{ key: 'a', result: success(TABLE) }])
    expect([log.length, queue.length, queue.spentMs]).toEqual([7, 0, 30])
    expect(queue.run(20)).toEqual([])
  })

  it('takes small files before a large one that has begun, and gives the oldest a turn now and then', () => {
    const { queue, log, add, work } = drawQueue()
    add('large', 1000, work('L', 100))
    queue.run(5)
    for (let i = 0; i < 30; i++) add(`small ${i}`, 10, work('s', 1))
    for (let i = 0; i < 6; i++) queue.run(20)
    expect(log.filter((one) => one.length === 1).join('')).toBe('LssssssssLsssssssssssssss')
  })

  it('closes each file once, whether it was compiled, refused or never looked at', () => {
    const { queue, log, add, work } = drawQueue()
    add('a', 1, work('a', 1))
    add('b', 2, () => {
      throw new MalformedError('the file ends at 7')
    })
    add('c', 3, () => {
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    })
    add('d', 4, work('d', 1))
    const { length } = queue.run(5)
    expect(length).toBe(1)
    expect(queue.run(5).map(({ key, result }) => [key, result.ok || result.error.message])).toEqual([
      ['b', 'the file ends at 7'],
      ['c', 'EIO: i/o error, read'],
      ['d', true],
    ])
    add('e', 5, work('e', 9))
    queue.close()
    expect(log.filter((line) => line.endsWith('closed')).sort()).toEqual(
      ['a', 'b', 'c', 'd', 'e'].map((key) => `${key} closed`),
    )
  })

  it('lets mistakes of ours through', () => {
    const { queue, add } = drawQueue()
    add('a', 1, () => {
      throw new TypeError('undefined is no function')
    })
    expect(() => queue.run(5)).toThrow(TypeError)
  })

  it('gives up a file that takes ten seconds', () => {
    const { queue, state, add } = drawQueue()
    add('a', 1, () => {
      state.nowMs += 1000
      return undefined
    })
    const finished = []
    for (let i = 0; i < 20; i++) finished.push(...queue.run(20))
    expect(finished).toMatchObject([
      { result: { ok: false, error: { message: 'not compiled within 10 s' } } },
    ])
    expect(queue.length).toBe(0)
  })

  it('holds 256 files open and no more', () => {
    const { queue, log, add, work } = drawQueue()
    const taken = Array.from({ length: 300 }, (_, i) => add(String(i), 1, work('a', 1)))
    expect([taken.filter((one) => one).length, queue.length, log.length]).toEqual([256, 256, 44])
  })

  it('goes on with others while another process works on one, and does not spin when nothing else is left', () => {
    const { queue, state, log, add, work } = drawQueue()
    const away = { isElsewhere: true, steps: 0 }
    queue.add({
      key: 'away',
      open: { source: { size: 1, read: () => new Uint8Array() }, close: () => log.push('away closed') },
      start: () => ({
        get isElsewhere() {
          return away.isElsewhere && away.steps > 0
        },
        step: () => (away.steps++ === 0 ? undefined : success(TABLE)),
      }),
    })
    add('here', 10, work('here', 2))
    expect(queue.run(20)).toEqual([{ key: 'here', result: success(TABLE) }])
    expect([queue.length, queue.elsewhere, away.steps]).toEqual([1, 1, 1])
    expect(queue.run(20)).toEqual([])
    expect(away.steps).toBe(1)
    away.isElsewhere = false
    expect(queue.run(20)).toEqual([{ key: 'away', result: success(TABLE) }])
    expect([queue.length, queue.elsewhere, state.nowMs]).toEqual([0, 0, 10])
    expect(log.at(-1)).toBe('away closed')
  })

  it('cancels what another process works on when it is closed', () => {
    const { queue, log } = drawQueue()
    queue.add({
      key: 'away',
      open: { source: { size: 1, read: () => new Uint8Array() }, close: () => log.push('closed') },
      start: () => ({ isElsewhere: true, step: () => undefined, cancel: () => log.push('cancelled') }),
    })
    queue.run(5)
    queue.close()
    expect(log).toEqual(['cancelled', 'closed'])
  })
})
