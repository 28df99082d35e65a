import { describe, expect, it } from 'vitest'
import { allStyles, changeStrength, contrast, DIFF_COLORS, mix } from './colors.ts'
import { packageOf } from './package-name.ts'

describe('contrast of every fill and its text', () => {
  for (const palette of ['default', 'colorBlind'] as const)
    for (const isDark of [true, false])
      it(`is at least 4.5:1, ${palette}, ${isDark ? 'dark' : 'light'} theme`, () => {
        for (const { fill, text } of allStyles(palette, isDark))
          expect(contrast(fill, text), `${text} on ${fill}`).toBeGreaterThanOrEqual(4.5)
      })

  it('is as WCAG says: 21 for black on white, 1 for equal colours', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5)
    expect(contrast('#5e9bd1', '#5e9bd1')).toBe(1)
  })

  it('keeps dark text on both ends of the colour-blind pair', () => {
    for (const color of DIFF_COLORS.colorBlind) expect(contrast(color, '#15181e')).toBeGreaterThanOrEqual(5)
  })
})

describe('changeStrength', () => {
  it('is full at twice and at half, and even in between', () => {
    expect(changeStrength(0.1, 0.2)).toBe(1)
    expect(changeStrength(0.2, 0.1)).toBe(-1)
    expect(changeStrength(0.1, 0.9)).toBe(1)
    expect(changeStrength(0.1, 0.1 * Math.SQRT2)).toBeCloseTo(0.5, 9)
    expect(changeStrength(0.3, 0.3)).toBe(0)
  })
  it('is full for new and gone frames, and none where nothing is on either side', () => {
    expect(changeStrength(0, 0.001)).toBe(1)
    expect(changeStrength(0.001, 0)).toBe(-1)
    expect(changeStrength(0, 0)).toBe(0)
  })
})

describe('mix', () => {
  it('goes from the first colour to the second', () => {
    expect([0, 0.5, 1].map((share) => mix('#000000', '#ffffff', share))).toEqual([
      '#000000',
      '#808080',
      '#ffffff',
    ])
  })
})

describe('packageOf', () => {
  it.each([
    ['net/http.(*conn).serve', 'app', 'net/http'],
    ['github.com/acme/shop/cart.Add', 'app', 'github.com/acme/shop/cart'],
    ['tokio::runtime::task::poll', 'app', 'tokio::runtime'],
    ['std::vector<std::pair<a::b, int>>::push_back', 'app', 'std'],
    ['com.shop.cart.Cart.add', 'libjvm.so', 'com.shop.cart'],
    ['memcpy', 'libc.so.6', 'libc.so.6'],
    ['a.b', 'app', 'app'],
    ['operator<<(std::ostream&)', 'app', 'app'],
    ['(folded)', '', ''],
    ['', '', ''],
  ])('groups %s (%s) under %s', (name, mapping, group) => {
    expect(packageOf(name, mapping)).toBe(group)
  })
})
