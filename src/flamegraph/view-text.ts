// How does a view stand in a link? In words one can read and type, only what differs from the view one opens with:
//   zoom=main>serve&s=json&o=icicle
// Names are any text: `>` and `\` of a name are written `\>` and `\\`. A foreign text is parsed, never trusted.
import { SEARCH_CHARACTERS_MAX, type ViewState } from './view-state.ts'

/** The parameters of a view, in their order; a page may have them among its own. */
export const VIEW_PARAMS = ['zoom', 's', 'o', 'show', 'by', 'palette'] as const
/** Links are pasted into chats and mails: longer ones get broken there. */
export const VIEW_CHARACTERS_MAX = 2_000

export interface PrintedView {
  /** As behind the question mark of a URL, at most VIEW_CHARACTERS_MAX. */
  readonly text: string
  /** The zoom path or the search was too long, and is not, or not wholly, in the text. */
  readonly isCut: boolean
}

const WORDS = {
  orientation: ['flame', 'icicle'],
  show: ['graph', 'table', 'both'],
  colorBy: ['package', 'function'],
  palette: ['default', 'colorBlind'],
} as const
const PARAM_OF = { orientation: 'o', show: 'show', colorBy: 'by', palette: 'palette' } as const
type Word = keyof typeof WORDS
const KEYS = Object.keys(WORDS) as Word[]

/** Prints what differs from `first`. What does not fit is left out from the deep end of the zoom path: a link then leads
 *  to a caller of the frame. Where the key of the keyboard stands is not in it. */
export function printView(view: ViewState, first: ViewState): PrintedView {
  const params = new URLSearchParams()
  for (const key of KEYS) if (view[key] !== first[key]) params.set(PARAM_OF[key], view[key])
  const search = lengthOf({ s: view.search }) > VIEW_CHARACTERS_MAX / 2 ? '' : view.search
  if (search !== '') params.set('s', search)
  let left = VIEW_CHARACTERS_MAX - params.toString().length - '&zoom='.length
  const zoom: string[] = []
  for (const name of view.zoom) {
    const escaped = name.replaceAll(/[\\>]/g, String.raw`\$&`)
    left -= lengthOf({ '': escaped }) + (zoom.length === 0 ? 0 : '%3E'.length)
    if (left < 0) break
    zoom.push(escaped)
  }
  if (zoom.length > 0) params.set('zoom', zoom.join('>'))
  return {
    text: viewParams(params),
    isCut: zoom.length < view.zoom.length || search !== view.search,
  }
}

/** Reads a text of printView, or anyone's: what makes no sense is as in `first`. */
export function parseView(text: string, first: ViewState): ViewState {
  const params = new URLSearchParams(text.slice(0, VIEW_CHARACTERS_MAX))
  const word = <K extends Word>(key: K): ViewState[K] =>
    (WORDS[key] as readonly string[]).includes(params.get(PARAM_OF[key]) ?? '')
      ? (params.get(PARAM_OF[key]) as ViewState[K])
      : first[key]
  return {
    ...first,
    orientation: word('orientation'),
    show: word('show'),
    colorBy: word('colorBy'),
    palette: word('palette'),
    search: (params.get('s') ?? '').slice(0, SEARCH_CHARACTERS_MAX),
    zoom: pathOf(params.get('zoom') ?? ''),
  }
}

/** Those of a page's parameters that are a view's, in the one order, as text. */
export function viewParams(params: URLSearchParams): string {
  const own = new URLSearchParams()
  for (const name of VIEW_PARAMS) {
    const value = params.get(name)
    if (value !== null && value !== '') own.set(name, value)
  }
  return own.toString()
}

/** `a>b\>c` → a, b>c */
function pathOf(text: string): readonly string[] {
  if (text === '') return []
  const names = ['']
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '>') names.push('')
    else names[names.length - 1] += text[i] === '\\' ? (text[++i] ?? '') : text[i]
  }
  return names
}

const lengthOf = (pair: Record<string, string>) => new URLSearchParams(pair).toString().length
