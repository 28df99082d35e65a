// What goes into a picture that leaves the app? The heaviest frames, as many as a file should hold; the others are
// folded into boxes "(214 more)" and counted in words. The same for SVG and page; flame graph, iceberg and diff alike.
import type { CallTree, DiffTree } from '../tree/call-tree.ts'
import { pruneDiff, pruneTree } from '../tree/prune.ts'
import { cleanName, shorten } from './clean-name.ts'
import { type ColorBy, type Coloring, makeColoring, type Palette } from './colors.ts'
import { type Format, grouped, makeFormat, percent } from './format.ts'
import { type Comparing, type GraphModel, isDiffTree, makeModel } from './graph-model.ts'
import { type Orientation, readingRule } from './reading-rule.ts'

export interface PictureOptions {
  readonly title: string
  /** What was measured, when, and what is missing; line breaks are kept. */
  readonly subtitle?: string | undefined
  /** Of the values: "nanoseconds", "bytes", "count"; and what was counted, printed behind it ("CPU"). */
  readonly unit: string
  readonly counted?: string | undefined
  readonly orientation: Orientation
  readonly theme?: 'dark' | 'light' | undefined
  readonly colorBy?: ColorBy | undefined
  readonly palette?: Palette | undefined
  /** Boxes at most, the root and those of folded frames among them; at least 2. */
  readonly framesMax?: number | undefined
  /** Base functions as first level, callers above them: an iceberg. */
  readonly isInverted?: boolean | undefined
  readonly comparing?: Comparing | undefined
  /** Samples behind each side of a diff, where they are known: the measure of noise. */
  readonly baselineSamples?: number | undefined
  readonly comparisonSamples?: number | undefined
}

export interface Picture {
  readonly title: string
  /** Cleaned and bounded, line by line; empty for none. */
  readonly subtitle: readonly string[]
  readonly model: GraphModel
  readonly coloring: Coloring
  readonly format: Format
  /** Frames without a box of their own, in words; "" if there is none. */
  readonly leftOut: string
  readonly rule: string
}

/** d3-flame-graph, which the page is drawn with, breaks 100 ms from about 1,000 drawn frames on. */
const FRAMES_MAX = 1_000
const TITLE_CHARACTERS_MAX = 200
const WORD_CHARACTERS_MAX = 60
const SUBTITLE_CHARACTERS_MAX = 1_000

/** Trims, lays out and colours a tree for a file.
 *  cost  O(nodes), some ten times where there are too many.  throws if framesMax is below 2 */
export function makePicture(tree: CallTree | DiffTree, options: PictureOptions): Picture {
  const { framesMax = FRAMES_MAX, colorBy = 'package', palette = 'default', theme = 'light' } = options
  if (!(framesMax >= 2))
    throw new Error(`framesMax is ${framesMax}; at least 2 is needed, the root and one box for all others`)
  const model = makeModel({ ...options, tree: trim(tree, framesMax) })
  return {
    title: shorten(cleanName(options.title), TITLE_CHARACTERS_MAX),
    subtitle: shorten(options.subtitle ?? '', SUBTITLE_CHARACTERS_MAX)
      .split('\n')
      .map(cleanName)
      .filter((line) => line !== ''),
    model,
    coloring: makeColoring({ model, colorBy, palette, isDark: theme === 'dark' }),
    format: makeFormat(word(options.unit), word(options.counted ?? '')),
    leftOut: leftOutText(model),
    rule: readingRule({
      orientation: options.orientation,
      isInverted: model.isInverted,
      isDiff: model.diff !== undefined,
    }),
  }
}

/** Units come out of files, as names do. */
const word = (text: string) => shorten(cleanName(text), WORD_CHARACTERS_MAX)

/** Keeps as many of the heaviest nodes as fit. Pruning adds a "(folded)" box to every parent that lost some, so between
 *  half and all of framesMax can be kept; more kept nodes never make fewer boxes, which lets us halve the question. */
function trim(tree: CallTree | DiffTree, framesMax: number): CallTree | DiffTree {
  const prune = (maxNodes: number) =>
    isDiffTree(tree) ? pruneDiff(tree, maxNodes).tree : pruneTree(tree, maxNodes).tree
  const all = prune(framesMax)
  if (all.depth.length <= framesMax) return all
  let fits = prune(Math.floor(framesMax / 2))
  let [low, high] = [Math.floor(framesMax / 2), framesMax] // low fits, high does not
  while (high - low > 1) {
    const middle = (low + high) >> 1
    const trimmed = prune(middle)
    if (trimmed.depth.length > framesMax) high = middle
    else [low, fits] = [middle, trimmed]
  }
  return fits
}

function leftOutText({ drawn }: GraphModel): string {
  let frames = 0
  let folded = 0
  drawn.folded?.forEach((count, node) => {
    if (count === 0) return
    frames += count
    folded += drawn.total[node]!
  })
  if (frames === 0) return ''
  const whole = drawn.total[0]!
  const share = whole > 0 ? `, ${percent(folded / whole)} of the width` : ''
  return frames === 1
    ? `1 small frame has no box of its own: it is folded into the box "(1 more)"${share}.`
    : `${grouped(frames)} small frames have no box of their own: they are folded into the boxes "(… more)"${share}.`
}
