import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Slice } from './slice.ts'
import { createSlidingWindow } from './sliding.ts'

/** A slice of one service: `{ f: 2 }` is two samples with the leaf f. */
function slice(seconds: number, selves: Readonly<Record<string, number>>, service = 'api'): Slice {
  const name = Object.keys(selves)
  const self = Float64Array.from(Object.values(selves))
  const samples = self.reduce((sum, value) => sum + value, 0)
  return {
    ...{ seconds, samples, endEarly: samples },
    services: new Map(samples > 0 ? [[service, samples]] : []),
    rows: {
      ...{ name, self, total: self },
      file: name.map(() => ''),
      mapping: name.map(() => ''),
      service: name.map(() => service),
    },
  }
}

function selvesOf(window: ReturnType<typeof createSlidingWindow>) {
  const { rows } = window.sums()
  return Object.fromEntries(rows.name.map((name, i) => [name, rows.self[i]!]))
}

describe('the last three seconds', () => {
  it('are the sum of their slices; older ones go, and their functions with them', () => {
    const window = createSlidingWindow(3)
    window.add(slice(1, { old: 5, both: 1 }))
    window.add(slice(1, { both: 2 }))
    window.add(slice(1, {}))
    expect(selvesOf(window)).toEqual({ old: 5, both: 3 })
    window.add(slice(1, { young: 1 }))
    expect(selvesOf(window)).toEqual({ both: 2, young: 1 })
    expect(window.sums()).toMatchObject({ seconds: 3, samples: 3, all: 3, endEarly: 1 })
  })
  it('are never less than three, if slices do not fit', () => {
    const window = createSlidingWindow(3)
    for (let i = 0; i < 9; i++) window.add(slice(0.7, { f: 1 }))
    expect(window.sums().samples).toBe(5)
  })
  it('are one slice if it is longer than that', () => {
    const window = createSlidingWindow(3)
    window.add(slice(1, { f: 1 }))
    window.add(slice(9, { g: 1 }))
    expect(selvesOf(window)).toEqual({ g: 1 })
  })
  it('know which service a function ran in', () => {
    const window = createSlidingWindow(3)
    window.add(slice(1, { f: 1 }, 'api'))
    window.add(slice(1, { f: 2 }, 'job'))
    expect(window.sums()).toMatchObject({
      rows: { name: ['f', 'f'], service: ['api', 'job'] },
      services: new Map([
        ['api', 1],
        ['job', 2],
      ]),
    })
  })
  it('are empty before the first slice', () => {
    expect(createSlidingWindow(3).sums()).toMatchObject({ seconds: 0, samples: 0, endEarly: 0 })
  })
})

it('holds what a new window would hold that had only seen the last slices', () => {
  const slices = fc.array(
    fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.integer({ min: 1, max: 9 })),
    { maxLength: 20 },
  )
  fc.assert(
    fc.property(slices, fc.integer({ min: 1, max: 5 }), (all, span) => {
      const window = createSlidingWindow(span)
      const fresh = createSlidingWindow(span)
      for (const one of all) window.add(slice(1, one))
      for (const one of all.slice(-span)) fresh.add(slice(1, one))
      expect(selvesOf(window)).toEqual(selvesOf(fresh))
      expect(window.sums().services).toEqual(fresh.sums().services)
    }),
  )
})
