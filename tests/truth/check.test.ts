import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { check, complaints, percent, printFrames, type SeenStack, type TrueStack } from './check.ts'
import { type Frame, fits, layOut, matches, type Step } from './pattern.ts'

/** "a;b;libc+;c": a name, or with + a frame of that binary without one. */
const stack = (text: string): Frame[] =>
  text === ''
    ? []
    : text
        .split(';')
        .map((word) =>
          word.endsWith('+') ? { name: '', binary: word.slice(0, -1) } : { name: word, binary: 'app' },
        )
const seen = (text: string, samples = 1): SeenStack => ({ frames: stack(text), samples })
const truth = (...frames: Step[]): TrueStack => ({ frames })
const LIBC: Step = { in: 'libc', names: ['start'], times: 2 }

describe('a step', () => {
  it('that is a name takes this name alone', () => {
    expect(fits('main', { name: 'main', binary: 'app' })).toBe(true)
    expect(fits('main', { name: 'mainly', binary: 'app' })).toBe(false)
    expect(fits('main', { name: '', binary: 'app' })).toBe(false)
  })
  it('that is a place takes its names, or a frame of its binary without one', () => {
    const step: Step = { in: 'libc', names: ['qsort'] }
    expect(fits(step, { name: 'qsort', binary: 'libc' })).toBe(true)
    expect(fits(step, { name: '', binary: 'libc' })).toBe(true)
    expect(fits(step, { name: 'read', binary: 'libc' })).toBe(false)
    expect(fits(step, { name: 'qsort', binary: 'app' })).toBe(false)
    expect(fits(step, { name: '', binary: 'app' })).toBe(false)
    expect(fits({ names: ['qsort'] }, { name: '', binary: '' })).toBe(false)
  })
  it('may ask for a part of the name', () => {
    expect(fits({ begins: 'std::' }, { name: 'std::sort', binary: 'app' })).toBe(true)
    expect(fits({ begins: 'std::' }, { name: 'void std::sort', binary: 'app' })).toBe(false)
    expect(fits({ holds: ['x', 'std::'] }, { name: 'void std::sort', binary: 'app' })).toBe(true)
  })
})

describe('a pattern', () => {
  it('counts repeated frames', () => {
    const layout = layOut(['main', { names: ['down'], times: 3 }, 'burn'])
    expect(matches(layout, stack('main;down;down;down;burn'))).toBe(true)
    expect(matches(layout, stack('main;down;down;burn'))).toBe(false)
    expect(matches(layout, stack('main;down;down;down;down;burn'))).toBe(false)
  })
  it('with a range takes what lies within it', () => {
    const layout = layOut(['main', { holds: ['std'], times: [1, 3] }, 'std_leaf'])
    const fitsRange = [0, 1, 2, 3, 4].map((n) =>
      matches(layout, stack(['main', ...Array(n).fill('std'), 'std_leaf'].join(';'))),
    )
    expect(fitsRange).toEqual([false, true, true, true, false])
  })
  it('is part of its own layout from every frame on, and up to every frame', () => {
    const layout = layOut(['a', { names: ['b'], times: [0, 2] }, 'c'])
    for (const text of ['c', 'b;c', 'b;b;c', 'a;c'])
      expect(matches(layout, stack(text), 'suffix'), text).toBe(true)
    for (const text of ['', 'a', 'a;b', 'a;b;b'])
      expect(matches(layout, stack(text), 'prefix'), text).toBe(true)
    expect(matches(layout, stack('b'), 'suffix')).toBe(false)
    expect(matches(layout, stack('c;a'), 'prefix')).toBe(false)
  })
})

describe('the checker', () => {
  const main = truth('_start', LIBC, 'main', { names: ['down'], times: 4 }, 'burn')
  const right = 'libc+;libc+;main;down;down;down;down;burn'
  it('counts exact samples, those in the leaf, and all', () => {
    const verdict = check([seen(`_start;${right}`, 90), seen('main;burn', 7), seen('', 3)], [main])
    expect(verdict).toMatchObject({ samples: 100, exact: 90, inLeaf: 97, byStack: [90] })
    expect(verdict.wrong.map(({ difference, samples }) => [difference, samples])).toEqual([
      ['other frames', 7],
      ['no user frames', 3],
    ])
  })
  it('says how a stack is wrong', () => {
    const differs = (text: string) => check([seen(text)], [main]).wrong[0]?.difference
    expect(differs('[truncated];down;burn')).toBe('callers missing')
    expect(differs('burn')).toBe('callers missing')
    expect(differs('_start;libc+;libc+;main;down')).toBe('callees missing')
    expect(differs('_start;libc+;libc+;main;app+;down;burn')).toBe('a frame without name')
    expect(differs('_start;start;start;other')).toBe('other frames')
    expect(differs(`[truncated];_start;${right}`)).toBe('callers missing')
    expect(differs('')).toBe('no user frames')
  })
  it('gives each true stack its own samples', () => {
    const verdict = check([seen('a', 3), seen('b', 5), seen('c', 2)], [truth('a'), truth('b')])
    expect(verdict.byStack).toEqual([3, 5])
    expect(verdict.exact).toBe(8)
  })

  // The heart: no mutation of a true stack may count as true.
  const names = fc.constantFrom('a', 'b', 'c', 'd')
  const chain = fc.array(names, { minLength: 1, maxLength: 12 })
  const kinds = ['missing', 'doubled', 'renamed', 'unnamed', 'truncated', 'root', 'leaf', 'marker'] as const
  const mutate = (frames: readonly Frame[], kind: (typeof kinds)[number], at: number): Frame[] => {
    const copy = [...frames]
    const frame = copy[at]!
    if (kind === 'missing') copy.splice(at, 1)
    else if (kind === 'doubled') copy.splice(at, 0, frame)
    else if (kind === 'renamed') copy[at] = { ...frame, name: `${frame.name}x` }
    else if (kind === 'unnamed') copy[at] = { ...frame, name: '' }
    else if (kind === 'truncated') copy.splice(0, at + 1)
    else if (kind === 'root') copy.unshift({ name: 'root', binary: 'app' })
    else if (kind === 'leaf') copy.push({ name: 'leaf', binary: 'app' })
    else copy.unshift({ name: '[truncated]', binary: '' })
    return copy
  }
  it.each(kinds)('a frame %s lowers the share by exactly its samples', (kind) => {
    fc.assert(
      fc.property(chain, fc.nat(), fc.integer({ min: 1, max: 50 }), (words, place, samples) => {
        const frames = words.map((name) => ({ name, binary: 'app' }))
        const mutated = mutate(frames, kind, place % frames.length)
        const verdict = check(
          [
            { frames, samples: 100 },
            { frames: mutated, samples },
          ],
          [truth(...words)],
        )
        expect([verdict.samples, verdict.exact]).toEqual([100 + samples, 100])
        expect(verdict.wrong).toHaveLength(1)
      }),
    )
  })
  it('two frames that changed places are wrong unless they are equal', () => {
    expect(check([seen('b;a;c')], [truth('a', 'b', 'c')]).exact).toBe(0)
    expect(check([seen('a;a;c')], [truth('a', 'a', 'c')]).exact).toBe(1)
  })
})

describe('demands', () => {
  const stacks = [truth('a', 'x'), { ...truth('b', 'x'), atLeast: 0.3 }]
  const demand = { samples: 100, exact: 0.995, inLeaf: 0.85 }
  it('that are met give no complaint', () => {
    const verdict = check([seen('a;x', 140), seen('b;x', 61), seen('q', 1)], stacks)
    expect(complaints(verdict, stacks, demand)).toEqual([])
  })
  it('that are missed are told one by one', () => {
    const verdict = check([seen('a;x', 50), seen('b;x', 9), seen('q', 31)], stacks)
    expect(complaints(verdict, stacks, demand)).toEqual([
      '90 samples, demanded 100',
      'exact stacks: 65.55 %, demanded 99.50 %',
      'in the leaf: 65.55 %, demanded 85.00 %',
      'stacks like true stack 2: 10.00 %, demanded 30.00 %',
    ])
  })
  it('are missed by a program that was never seen', () => {
    expect(complaints(check([], stacks), stacks, demand)).toEqual(['0 samples, demanded 100'])
  })
  it('are printed rounded down', () => {
    expect(percent(99_499, 100_000)).toBe('99.49 %')
    expect(percent(9_999_999, 10_000_000)).toBe('99.99 %')
    expect(percent(1, 1)).toBe('100.00 %')
  })
})

it('a stack is printed with its repeated frames counted', () => {
  expect(printFrames(stack('main;down;down;libc+;burn'))).toBe('main;down ×2;(libc);burn')
})
