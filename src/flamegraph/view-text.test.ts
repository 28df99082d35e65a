import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_VIEW, type ViewState } from './view-state.ts'
import { parseView, printView, VIEW_CHARACTERS_MAX, viewParams } from './view-text.ts'

const print = (view: Partial<ViewState>) => printView({ ...DEFAULT_VIEW, ...view }, DEFAULT_VIEW)
const parse = (text: string) => parseView(text, DEFAULT_VIEW)

describe('printView', () => {
  it('says nothing of the view one opens with', () => {
    expect(print({})).toEqual({ text: '', isCut: false })
  })

  it('is legible', () => {
    const { text } = print({ zoom: ['main', 'serve'], search: 'json', orientation: 'icicle' })
    expect(decodeURIComponent(text)).toBe('zoom=main>serve&s=json&o=icicle')
  })

  it('keeps names apart that hold what separates', () => {
    const zoom = ['operator>', 'App\\Shop', 'std::vector<int>::push_back', 'a>b\\>c', '&s=x']
    expect(parse(print({ zoom }).text).zoom).toEqual(zoom)
  })

  it('leads to a caller of the frame where the path is too long, and says so', () => {
    const zoom = Array.from({ length: 300 }, (_, i) => `frame ${i}`)
    const { text, isCut } = print({ zoom, search: 'memcpy' })
    expect([text.length <= VIEW_CHARACTERS_MAX, isCut]).toEqual([true, true])
    const read = parse(text)
    expect(read.search).toBe('memcpy')
    expect(read.zoom.length).toBeGreaterThan(50)
    expect(read.zoom).toEqual(zoom.slice(0, read.zoom.length))
  })

  it('says that a search is too long for a link', () => {
    expect(print({ search: '語'.repeat(400) })).toEqual({ text: '', isCut: true })
  })

  it('is what parseView reads back, or is cut, and never longer than allowed', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    const view = fc.record({
      zoom: fc.array(name, { maxLength: 60 }),
      search: fc.string({ unit: 'grapheme', maxLength: 60 }),
      orientation: fc.constantFrom('flame' as const, 'icicle' as const),
      show: fc.constantFrom('graph' as const, 'table' as const, 'both' as const),
      colorBy: fc.constantFrom('package' as const, 'function' as const),
      palette: fc.constantFrom('default' as const, 'colorBlind' as const),
    })
    fc.assert(
      fc.property(view, view, (one, first) => {
        const opened = { ...first, zoom: [], search: '' }
        const { text, isCut } = printView(one, opened)
        expect(text.length).toBeLessThanOrEqual(VIEW_CHARACTERS_MAX)
        const read = parseView(text, opened)
        const kept = one.zoom.slice(0, read.zoom.length)
        expect(read).toEqual({ ...one, zoom: kept, search: read.search })
        expect(isCut).toBe(kept.length < one.zoom.length || read.search !== one.search)
        expect(viewParams(new URLSearchParams(text))).toBe(text)
      }),
    )
  })
})

describe('parseView', () => {
  it.each([
    ['words that are none', 'o=sideways&show=3d&by=__proto__&palette='],
    ['other parameters', 'query=x&constructor=1'],
    ['an empty path', 'zoom='],
  ])('opens as usual for %s', (_, text) => {
    expect(parse(text)).toEqual(DEFAULT_VIEW)
  })

  it('bounds what a stranger writes', () => {
    const { search, zoom } = parse(`s=${'x'.repeat(1_000)}&zoom=${'a>'.repeat(10_000)}`)
    expect(search.length).toBe(500)
    expect(zoom.length).toBeLessThan(VIEW_CHARACTERS_MAX)
    expect(parse('zoom=a\\').zoom).toEqual(['a'])
  })
})
