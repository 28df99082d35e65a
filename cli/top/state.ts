// What does a key do? A state and a key give the next state. Pure.
import type { Key } from './keys.ts'
import type { Sort } from './order.ts'

export interface TopState {
  readonly sort: Sort
  readonly filter: string
  /** Keys go into the filter. */
  readonly isTyping: boolean
  /** The table stands still; sampling goes on. */
  readonly isPaused: boolean
  readonly isHelp: boolean
  /** Rows above the first one shown. */
  readonly scroll: number
  readonly isOver: boolean
}

/** What is there to scroll: rows that pass the filter, and how many fit. */
export interface Page {
  readonly rows: number
  readonly height: number
}

export const startState = (sort: Sort): TopState => ({
  ...{ sort, filter: '', isTyping: false, isPaused: false, isHelp: false, scroll: 0, isOver: false },
})

const FILTER_MAX = 200
const SORT_KEYS: ReadonlyMap<Key, Sort> = new Map([
  ['s', 'self'],
  ['t', 'total'],
  ['c', 'cores'],
])

/** Presses a key.  out  the same state for a key that means nothing */
export function press(state: TopState, key: Key, page: Page): TopState {
  if (key === 'interrupt') return { ...state, isOver: true }
  if (state.isHelp) return key === 'q' ? { ...state, isOver: true } : { ...state, isHelp: false }
  const scroll = scrolled(key, { ...page, scroll: state.scroll })
  if (scroll !== undefined) return { ...state, scroll }
  return state.isTyping ? typeKey(state, key) : commandKey(state, key)
}

/** Where a view of fewer rows, or a higher screen, begins. */
export const clampScroll = (scroll: number, { rows, height }: Page): number =>
  Math.max(0, Math.min(scroll, rows - height))

function scrolled(key: Key, { scroll, ...page }: Page & { readonly scroll: number }): number | undefined {
  const from = clampScroll(scroll, page)
  const step = Math.max(1, page.height - 1) // the last row of a page stays in sight
  const to = new Map([
    ['up', from - 1],
    ['down', from + 1],
    ['page-up', from - step],
    ['page-down', from + step],
    ['home', 0],
    ['end', page.rows],
  ]).get(key)
  return to === undefined ? undefined : clampScroll(to, page)
}

function typeKey(state: TopState, key: Key): TopState {
  const filtered = (filter: string) => ({ ...state, filter, scroll: 0 })
  if (key === 'enter') return { ...state, isTyping: false }
  if (key === 'escape') return { ...filtered(''), isTyping: false }
  if (key === 'erase') return filtered('')
  if (key === 'backspace') return filtered([...state.filter].slice(0, -1).join(''))
  return isCharacter(key) && state.filter.length < FILTER_MAX ? filtered(state.filter + key) : state
}

function commandKey(state: TopState, key: Key): TopState {
  const sort = SORT_KEYS.get(key)
  if (sort !== undefined) return { ...state, sort, scroll: 0 }
  if (key === 'q') return { ...state, isOver: true }
  if (key === ' ') return { ...state, isPaused: !state.isPaused }
  if (key === '/') return { ...state, isTyping: true }
  if (key === '?') return { ...state, isHelp: true }
  return key === 'escape' ? { ...state, filter: '', scroll: 0 } : state
}

const isCharacter = (key: Key): boolean => key.length === String.fromCodePoint(key.codePointAt(0)!).length
