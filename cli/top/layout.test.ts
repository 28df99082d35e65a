import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outdent } from '#profile/testing/outdent'
import { cellsOf } from './cells.ts'
import { layOut, type Size } from './layout.ts'
import { startState, type TopState } from './state.ts'
import { drawView } from './testing.ts'
import type { TopView } from './view.ts'

const burning = drawView(`
  120 121 spin_hot                                     burn   burn
   60 180 std::vector<widget>::push_back_and_read_back burn   libstdc++.so.6
   15  15 read                                         api    libc.so.6
    5 200 main                                         burn   burn
`)
const words = 'every process, last 10 s at 10 Hz'

function draw(size: Size, state: Partial<TopState> = {}, view: TopView = burning) {
  const { lines } = layOut({ view, words, state: { ...startState('self'), ...state } }, size)
  return `\n${lines.map(({ text }) => text.trimEnd()).join('\n')}\n`
}
/** Drawings stand between empty lines, and margins do not count. */
const picture = (text: string) => `\n${outdent(text)}\n`

describe('a screen', () => {
  it('shows facts, rows and keys', () => {
    expect(draw({ width: 92, height: 9 })).toBe(
      picture(`
        every process, last 10 s at 10 Hz: 2.00 of 2 cores
        200 samples
         cores     self    total  function                             service             its cores
          1.20   60.0 %   60.5 %  spin_hot                             burn                     1.85
          0.60   30.0 %   90.0 %  std::vector<widge…ack_and_read_back  burn                     1.85
          0.15    7.5 %    7.5 %  read                                 api                      0.15
          0.05    2.5 %  100.0 %  main                                 burn                     1.85

        q quit  space pause  s [self]  t total  c cores  / filter  ? help                   1-4 of 4
      `),
    )
  })
  it('has room for the binary when it is wide', () => {
    expect(draw({ width: 130, height: 5 })).toBe(
      picture(`
        every process, last 10 s at 10 Hz: 2.00 of 2 cores
        200 samples
         cores     self    total  function                                   binary                    service                   its cores
          1.20   60.0 %   60.5 %  spin_hot                                   burn                      burn                           1.85
        q quit  space pause  s [self]  t total  c cores  / filter  ? help                                                         1-1 of 4
      `),
    )
  })
  it('keeps numbers and function when it is narrow', () => {
    expect(draw({ width: 44, height: 6 }, { sort: 'total' })).toBe(
      picture(`
        every process, last 10 s at 10 Hz: 2.00 of 2
        200 samples
         cores     self    total  function
          0.05    2.5 %  100.0 %  main
          0.60   30.0 %   90.0 %  std::vect…ead_back
        q quit  space pause  s self  t [total]  c co
      `),
    )
  })
  it('shows what is typed, what it leaves, and where the cursor is', () => {
    const state = { ...startState('self'), filter: 'RE\u001b', isTyping: true }
    expect(layOut({ view: burning, words, state }, { width: 80, height: 6 }).cursor).toBe(9)
    expect(draw({ width: 80, height: 6 }, { filter: 'read', isTyping: true })).toBe(
      picture(`
        every process, last 10 s at 10 Hz: 2.00 of 2 cores
        2 of 4 functions, own time 0.75 cores; 200 samples
         cores     self    total  function                    service          its cores
          0.60   30.0 %   90.0 %  std::vector<w…nd_read_back  burn                  1.85
          0.15    7.5 %    7.5 %  read                        api                   0.15
        /read                                          Enter keeps  Esc clears  1-2 of 2
      `),
    )
  })
  it('begins where it was scrolled to, and never past the last page', () => {
    const rows = (scroll: number) => draw({ width: 44, height: 6 }, { scroll }).split('\n').slice(4, 6)
    expect(rows(1)).toEqual([expect.stringContaining('std'), expect.stringContaining('read')])
    expect(rows(99)).toEqual([expect.stringContaining('read'), expect.stringContaining('main')])
  })
  it('says that it is paused, filtered, early, lossy', () => {
    const view = { ...burning, endEarly: 0.034, notes: ['lost: ring_full 12'] }
    const text = draw({ width: 120, height: 5 }, { isPaused: true, filter: 'main' }, view)
    expect(text).toMatch(/2.00 of 2 cores +paused\n/)
    expect(text).toContain('200 samples; lost: ring_full 12; 3 % of stacks end early\n')
    expect(text).toContain('space go on')
    expect(text).toContain('/ filter: main  Esc clears')
  })
  it('shows binaries where no services are known', () => {
    const text = draw({ width: 80, height: 5 }, {}, { ...burning, services: undefined, cpus: undefined })
    expect(text).toContain('2.00 cores\n')
    expect(text).toMatch(/function +binary\n/)
    expect(text).not.toContain('its cores')
  })
  it('says that it starts before anything has come', () => {
    const nothing = drawView('', { seconds: 0, samples: 0 })
    expect(draw({ width: 80, height: 5 }, {}, nothing)).toContain(`\n${words}\nstarting …\n`)
  })
  it('says so when nobody burns anything', () => {
    expect(draw({ width: 80, height: 5 }, {}, drawView(''))).toContain('0.00 of 2 cores\n0 samples\n')
    expect(draw({ width: 80, height: 5 }, {}, drawView(''))).toContain('nothing\n')
  })
  it('explains its columns and keys', () => {
    const text = draw({ width: 80, height: 24 }, { isHelp: true })
    for (const key of ['cores', 'self', 'total', 's ', 't ', 'c ', '/', 'Esc', 'space', 'PgUp', 'q '])
      expect(text).toContain(key)
  })
  it('lets no name move the cursor', () => {
    const evil = {
      ...burning,
      rows: { ...burning.rows, name: ['\u001b[2J\u202e\n', '\r', '\u0007', '\u009b2J'] },
    }
    const text = draw({ width: 80, height: 9 }, { filter: '\u001b' }, evil)
    expect(draw({ width: 80, height: 9 }, {}, evil)).toContain('\\u{1b}[2J')
    expect(text + draw({ width: 80, height: 9 }, {}, evil)).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/,
    )
  })
  it('fills any size exactly, and no line is too long', () => {
    const anyState = fc.record({
      sort: fc.constantFrom('self', 'total', 'cores'),
      filter: fc.string({ unit: 'grapheme', maxLength: 5 }),
      isTyping: fc.boolean(),
      isPaused: fc.boolean(),
      isHelp: fc.boolean(),
      scroll: fc.nat(9),
      isOver: fc.constant(false),
    }) satisfies fc.Arbitrary<TopState>
    const anyName = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 4, maxLength: 4 })
    const side = fc.integer({ min: 1, max: 140 })
    fc.assert(
      fc.property(side, side, anyState, anyName, (width, height, state, name) => {
        const view = { ...burning, rows: { ...burning.rows, name } }
        const { lines, cursor = 0, page } = layOut({ view, words, state }, { width, height })
        expect(lines).toHaveLength(height)
        for (const { text } of lines) expect(cellsOf(text)).toBeLessThanOrEqual(width)
        expect(cursor).toBeLessThan(width)
        expect(page.height).toBe(Math.max(0, height - 4))
      }),
    )
  })
})
