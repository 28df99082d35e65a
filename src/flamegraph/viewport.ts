// Which part of the picture is on screen? Horizontally a range of the unit interval (a zoomed node fills the width, its
// ancestors are clipped to full bars); vertically a scroll position over rows of equal height.
//
//   flame: level 0 is the lowest row        icicle: level 0 is the highest row
//
// Names carry their space: unit… (0 to 1), css… (logical pixels), device… (physical pixels).
import type { Boxes } from '#profile/picture/boxes'
import type { Orientation } from '#profile/picture/reading-rule'
import { levelsUnder } from './boxes.ts'

export interface Viewport {
  readonly unitLeft: number
  readonly unitRight: number
  /** Levels that may hold a box in the shown range. */
  readonly levels: number
  readonly orientation: Orientation
  readonly cssWidth: number
  readonly cssHeight: number
  readonly cssRowHeight: number
  readonly cssScrollTop: number
  /** Device pixels per CSS pixel. */
  readonly ratio: number
}

/** The shown range when `node` fills the width; a node without width leaves the whole picture. O(subtree). */
export function zoomRange(boxes: Boxes, node: number): Pick<Viewport, 'unitLeft' | 'unitRight' | 'levels'> {
  const width = boxes.width[node] ?? 0
  if (!(width > 0)) return { unitLeft: 0, unitRight: 1, levels: boxes.levelStart.length - 1 }
  const unitLeft = boxes.start[node]!
  return { unitLeft, unitRight: unitLeft + width, levels: levelsUnder(boxes, node) }
}

/** Height of all rows, at least the window's: a short flame graph stands on the window's bottom. */
export const cssContentHeight = (view: Viewport): number =>
  Math.max(view.levels * view.cssRowHeight, view.cssHeight)

/** Top edge of a level, relative to the window. */
export function cssLevelTop(view: Viewport, level: number): number {
  const cssTop =
    view.orientation === 'flame'
      ? cssContentHeight(view) - (level + 1) * view.cssRowHeight
      : level * view.cssRowHeight
  return cssTop - view.cssScrollTop
}

/** The level under a point of the window; undefined outside all rows. */
export function levelAt(view: Viewport, cssY: number): number | undefined {
  const cssInContent = cssY + view.cssScrollTop
  const cssFromBase = view.orientation === 'flame' ? cssContentHeight(view) - cssInContent : cssInContent
  // In a flame graph a row owns its lower edge's last pixel, so the exact base line belongs to no row.
  const level =
    view.orientation === 'flame'
      ? Math.ceil(cssFromBase / view.cssRowHeight) - 1
      : Math.floor(cssFromBase / view.cssRowHeight)
  return level >= 0 && level < view.levels ? level : undefined
}

/** The levels that touch the window, first ≤ level < end; empty windows show none. */
export function visibleLevels(view: Viewport): { readonly first: number; readonly end: number } {
  if (view.cssHeight <= 0 || view.levels === 0) return { first: 0, end: 0 }
  const cssFrom =
    view.orientation === 'flame'
      ? cssContentHeight(view) - view.cssScrollTop - view.cssHeight
      : view.cssScrollTop
  const first = Math.max(0, Math.floor(cssFrom / view.cssRowHeight))
  const end = Math.min(view.levels, Math.ceil((cssFrom + view.cssHeight) / view.cssRowHeight))
  return { first: Math.min(first, end), end }
}

/** A scroll position within the content. */
export const clampScroll = (view: Viewport, cssScrollTop: number): number =>
  Math.min(Math.max(0, cssScrollTop), Math.max(0, cssContentHeight(view) - view.cssHeight))

/** The scroll position that shows `level` as one of the first rows of the picture: `context` rows before it. */
export function scrollToBase(view: Viewport, level: number, context = 2): number {
  const base = Math.max(0, level - context)
  return view.orientation === 'flame'
    ? clampScroll(view, cssContentHeight(view) - base * view.cssRowHeight - view.cssHeight)
    : clampScroll(view, base * view.cssRowHeight)
}

/** The nearest scroll position at which `level` is wholly in the window. */
export function scrollIntoView(view: Viewport, level: number): number {
  const cssTop = cssLevelTop(view, level)
  if (cssTop < 0) return clampScroll(view, view.cssScrollTop + cssTop)
  const cssOver = cssTop + view.cssRowHeight - view.cssHeight
  return cssOver > 0 ? clampScroll(view, view.cssScrollTop + cssOver) : view.cssScrollTop
}
