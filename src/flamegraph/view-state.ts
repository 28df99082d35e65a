// What does a reader change while looking? All that a link to this very picture would have to hold.
import type { ColorBy, Palette } from '#profile/picture/colors'
import type { Orientation } from '#profile/picture/reading-rule'

export type Show = 'graph' | 'table' | 'both'

export interface ViewState {
  /** Names from the root's child down: indexes would not survive a refresh. */
  readonly zoom: readonly string[]
  /** Path of the node the keyboard stands on; absent: the zoomed one. */
  readonly selected?: readonly string[] | undefined
  readonly search: string
  readonly orientation: Orientation
  readonly show: Show
  readonly colorBy: ColorBy
  readonly palette: Palette
}

export const DEFAULT_VIEW: ViewState = {
  zoom: [],
  search: '',
  orientation: 'flame',
  show: 'both',
  colorBy: 'package',
  palette: 'default',
}

/** A search longer than this is refused by the search box: names are rarely longer. */
export const SEARCH_CHARACTERS_MAX = 500
