// Which colour has a box, and which the text on it? By package or function, hashed from the name, so that a function
// looks the same in every panel, range and day; in a diff by the ratio of its two shares. Colour is never the only sign:
// a diff also says ▲ and points. Every fill and its text contrast by 4.5:1 or more, in both themes (a test).
import { FOLDED_NAME } from '../tree/call-tree.ts'
import { diffSharesOf, type GraphModel } from './graph-model.ts'
import { judge } from './noise.ts'
import { packageOf } from './package-name.ts'

export type ColorBy = 'package' | 'function'
export type Palette = 'default' | 'colorBlind'

export interface Style {
  readonly fill: string
  readonly text: string
}
/** Colours of a whole graph: `styles[styleOfNode(node)]`. */
export interface Coloring {
  readonly styles: readonly Style[]
  /** Style of boxes that are no match of the search, and of runs of narrow boxes. */
  readonly muted: number
  readonly styleOfNode: (node: number) => number
}

const DARK_TEXT = '#15181e'
const LIGHT_TEXT = '#ffffff'

// Warm first, as a flame; neighbours in the list differ in hue, all are light enough for dark text.
const HUES: Readonly<Record<Palette, readonly string[]>> = {
  default: [
    '#f2a65a', '#e8c468', '#e58a74', '#93c07c', '#6fb8a8', '#74aede', '#98a2e6', '#bb95dc',
    '#dd94bd', '#c8ad7d', '#84c5cc', '#b3bd6e',
  ],
  // After Okabe and Ito: distinct for all common kinds of colour blindness, lightened for dark text.
  colorBlind: ['#e8a633', '#6cbdec', '#43b692', '#f0e05a', '#6ea4d8', '#e38648', '#d39cc2', '#b9bdc4'],
} // biome-ignore format: a palette reads as a table

const NEUTRAL = { dark: '#8b919c', light: '#d3d7de' } as const
const MUTED = { dark: '#3a3f48', light: '#e9ebef' } as const
const TAIL = { dark: '#5b616d', light: '#bcc2cc' } as const

/** Ends of the two scales of a diff: [more, less]. The colour-blind pair is orange and blue. */
export const DIFF_COLORS: Readonly<Record<Palette, readonly [string, string]>> = {
  default: ['#ee6a5f', '#56b366'],
  colorBlind: ['#e66101', '#5e9bd1'],
}
const DIFF_STEPS = 8

export interface ColoringInput {
  readonly model: GraphModel
  readonly colorBy: ColorBy
  readonly palette: Palette
  readonly isDark: boolean
}

/** Chooses the colours of a graph.
 *  cost  one hash per distinct frame; a diff looks at its node when the node is drawn */
export function makeColoring({ model, colorBy, palette, isDark }: ColoringInput): Coloring {
  const theme = isDark ? 'dark' : 'light'
  const base = [style(NEUTRAL[theme]), style(MUTED[theme]), style(TAIL[theme])]
  if (model.diff !== undefined) return diffColoring(model, model.diff, palette, theme, base)

  const hues = palettes(palette, isDark)
  const styleOfFrame = new Uint8Array(model.frames.name.length)
  for (let i = 1; i < styleOfFrame.length; i++) {
    const name = model.frames.name[i]!
    const group = colorBy === 'function' ? name : packageOf(name, model.frames.mapping[i]!)
    const hue = hash(group) % HUES[palette].length
    const shade = (hash(name) >>> 8) % SHADE_COUNT
    styleOfFrame[i] = isTail(name, model.frames.kind[i]!)
      ? 2
      : group === ''
        ? 0
        : base.length + hue * SHADE_COUNT + shade
  }
  const styles = [...base, ...hues]
  return { styles, muted: 1, styleOfNode: (node) => styleOfFrame[model.frame[node]!]! }
}

/** Frames that are marks rather than functions: what was folded away, where a stack was cut. */
const isTail = (name: string, kind: string) => name === FOLDED_NAME || kind === 'abort-marker'

// Towards white, paler on a light page. A package has a hue, its functions differ in shade: neighbours stay apart.
const SHADES = { dark: [0, 0.16, 0.32], light: [0.2, 0.36, 0.52] } as const
const SHADE_COUNT = 3

/** Each hue in its shades, as styles: hue by hue. */
function palettes(palette: Palette, isDark: boolean): readonly Style[] {
  const shades = SHADES[isDark ? 'dark' : 'light']
  return HUES[palette].flatMap((hue) => shades.map((shade) => style(mix(hue, '#ffffff', shade))))
}

/** All styles that can occur, for the contrast test. */
export function allStyles(palette: Palette, isDark: boolean): readonly Style[] {
  const theme = isDark ? 'dark' : 'light'
  const base = [style(NEUTRAL[theme]), style(MUTED[theme]), style(TAIL[theme])]
  return [...base, ...palettes(palette, isDark), ...diffStyles(palette, theme)]
}

/** From all less (index 0) over no change (DIFF_STEPS) to all more (2 · DIFF_STEPS). */
function diffStyles(palette: Palette, theme: 'dark' | 'light'): readonly Style[] {
  const [more, less] = DIFF_COLORS[palette]
  const styles: Style[] = []
  for (let step = -DIFF_STEPS; step <= DIFF_STEPS; step++)
    styles.push(style(mix(NEUTRAL[theme], step > 0 ? more : less, Math.abs(step) / DIFF_STEPS)))
  return styles
}

function diffColoring(
  model: GraphModel,
  diff: NonNullable<GraphModel['diff']>,
  palette: Palette,
  theme: 'dark' | 'light',
  base: readonly Style[],
): Coloring {
  const styles = [...base, ...diffStyles(palette, theme)]
  const unchanged = base.length + DIFF_STEPS
  const styleOfNode = (node: number): number => {
    const name = model.frames.name[model.frame[node]!]!
    if (name === FOLDED_NAME) return 2
    const { baseline, comparison } = diffSharesOf(diff, node)
    if (judge(baseline.total, comparison.total, diff.sides) === 'noise') return unchanged
    return unchanged + Math.round(changeStrength(baseline.total, comparison.total) * DIFF_STEPS)
  }
  return { styles, muted: 1, styleOfNode }
}

/** How strong a change is, −1 to 1: the logarithm of the ratio, full at twice and at half. 0 to 0 is no change. */
export function changeStrength(baseline: number, comparison: number): number {
  if (baseline <= 0 && comparison <= 0) return 0
  if (baseline <= 0) return 1
  if (comparison <= 0) return -1
  return Math.max(-1, Math.min(1, Math.log2(comparison / baseline)))
}

const style = (fill: string): Style => ({
  fill,
  text: contrast(fill, DARK_TEXT) >= contrast(fill, LIGHT_TEXT) ? DARK_TEXT : LIGHT_TEXT,
})

/** Contrast of two colours (#rrggbb) as WCAG 2 defines it, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function luminance(color: string): number {
  const [red, green, blue] = channels(color).map((channel) => {
    const part = channel / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** `share` of the way from one colour to the other. */
export function mix(from: string, to: string, share: number): string {
  const end = channels(to)
  const mixed = channels(from).map((channel, i) => Math.round(channel + (end[i]! - channel) * share))
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

const channels = (color: string): readonly number[] =>
  [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))

/** FNV-1a with a final mix: short names that differ by a letter spread over the palette. */
function hash(text: string): number {
  let sum = 0x811c9dc5
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  sum = Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d)
  return (sum ^ (sum >>> 13)) >>> 0
}
