import { describe, expect, it } from 'vitest'
import { compactFrames, FrameTableBuilder, withFoldedFrame } from './frame-table.ts'

describe('FrameTableBuilder', () => {
  it('never takes two functions for one, whatever their names hold', () => {
    const frames = new FrameTableBuilder()
    const ids = [
      frames.add({ name: 'a', file: 'bc' }),
      frames.add({ name: 'ab', file: 'c' }),
      frames.add({ name: 'abc' }),
      frames.add({ name: '', mapping: 'abc' }),
      frames.add({ name: '1 0 a', file: '' }),
      frames.add({ name: 'total' }),
    ]
    expect(ids).toEqual([1, 2, 3, 4, 5, 6])
    expect(frames.add({ name: 'ab', file: 'c' })).toBe(2)
  })

  it('keeps one kind of a function, whichever comes first', () => {
    const kinds = (...order: string[]) => {
      const frames = new FrameTableBuilder()
      for (const kind of order) frames.add({ name: 'f', kind })
      return frames.table().kind[1]
    }
    expect(kinds('', 'native')).toBe('native')
    expect(kinds('native', '')).toBe('native')
    expect(kinds('kernel', 'native')).toBe(kinds('native', 'kernel'))
  })
})

describe('compactFrames', () => {
  it('keeps what occurs, by name, file, mapping in code units, "(folded)" last', () => {
    const builder = new FrameTableBuilder()
    const specs = [
      { name: 'é' },
      { name: '(folded)' },
      { name: 'z', file: 'b.c' },
      { name: 'z', file: 'a.c' },
      { name: 'Z' },
      { name: '(folded)', file: 'real.c' },
      { name: 'unused' },
    ]
    const rows = specs.map((spec) => builder.add(spec))
    const { frames, frame } = compactFrames(builder.table(), Uint32Array.of(0, ...rows.slice(0, -1)))
    expect(frames.name).toEqual(['total', '(folded)', 'Z', 'z', 'z', 'é', '(folded)'])
    expect(frames.file).toEqual(['', 'real.c', '', 'a.c', 'b.c', '', ''])
    expect([...frame]).toEqual([0, 5, 6, 4, 3, 2, 1])
  })
})

describe('withFoldedFrame', () => {
  it('adds the row once', () => {
    const once = withFoldedFrame(new FrameTableBuilder().table())
    expect(once.folded).toBe(1)
    expect(withFoldedFrame(once.frames)).toEqual(once)
  })
})
