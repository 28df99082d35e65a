// What does a link to the viewer hold? All that decides what the page shows, in words one can type:
//   /?query={service_name="api"}&from=now-15m&to=now&view=iceberg&theme=light
//   /?view=diff&from=1700000600000&to=1700000900000&baselineFrom=1700000000000&baselineTo=1700000300000
//   /?zoom=main>serve&s=json&o=icicle       what the panel shows of the picture, in the panel's own words
//   /?from=now-1h&graphFrom=1700000000000&graphTo=1700000060000     an hour in the chart, a minute in the graph
// A stranger's value that makes no sense falls back to the default; nothing in a link is trusted further than that.
import { parseTime } from '#profile/wire/time'
import { VIEW_CHARACTERS_MAX, viewParams } from '../../src/flamegraph/view-text.ts'

export const VIEWS = ['flame', 'iceberg', 'diff'] as const
export type View = (typeof VIEWS)[number]
export const REFRESH_INTERVALS = ['5s', '10s', '30s', '1m', '5m'] as const

export interface PageState {
  /** Profile type id or alias. */
  readonly type: string
  readonly query: string
  /** `now`, `now-1h`, `now/d`, or epoch ms as digits. */
  readonly from: string
  readonly to: string
  readonly view: View
  readonly groupBy: readonly string[]
  /** "" is off. */
  readonly refresh: string
  /** Zoom, search, orientation, …: the text of the panel's view, see `printView`. */
  readonly picture: string
  /** Absent: what the browser prefers. */
  readonly theme?: 'dark' | 'light'
  /** The part of the chart's range that the graph shows, epoch ms: both or none. In a diff the comparison. */
  readonly graphFrom?: number
  readonly graphTo?: number
  /** The baseline of the diff: epoch ms; or a shift; or, without both, the time just before. */
  readonly baselineFrom?: number
  readonly baselineTo?: number
  readonly baselineShift?: string
  readonly baselineQuery?: string
}

export const DEFAULT_STATE: PageState = {
  type: 'cpu',
  query: '{}',
  from: 'now-15m',
  to: 'now',
  view: 'flame',
  groupBy: [],
  refresh: '',
  picture: '',
}

const TEXT_MAX = 8_192 // the backend's own bound on a selector

/** Reads the part of a URL behind the question mark. Total: the answer is always a whole state. */
export function parseUrl(search: string, nowMs: number): PageState {
  const params = new URLSearchParams(search)
  const text = (name: string) => (params.get(name) ?? '').slice(0, TEXT_MAX)
  const range = rangeOf(text('from'), text('to'), nowMs)
  const view = VIEWS.find((word) => word === params.get('view')) ?? DEFAULT_STATE.view
  const theme = params.get('theme')
  const graph = spanOf(text('graphFrom'), text('graphTo'), nowMs)
  const baseline = spanOf(text('baselineFrom'), text('baselineTo'), nowMs)
  return {
    type: text('type') || DEFAULT_STATE.type,
    query: text('query') || DEFAULT_STATE.query,
    ...range,
    view,
    groupBy: params
      .getAll('groupBy')
      .filter((name) => name !== '')
      .slice(0, 4),
    refresh: REFRESH_INTERVALS.find((word) => word === params.get('refresh')) ?? '',
    picture: pictureOf(params),
    ...(theme === 'dark' || theme === 'light' ? { theme } : {}),
    ...(graph === undefined ? {} : { graphFrom: graph.fromMs, graphTo: graph.toMs }),
    ...(baseline === undefined ? {} : { baselineFrom: baseline.fromMs, baselineTo: baseline.toMs }),
    ...(text('baselineShift') === '' ? {} : { baselineShift: text('baselineShift') }),
    ...(text('baselineQuery') === '' ? {} : { baselineQuery: text('baselineQuery') }),
  }
}

const OPTIONAL = [
  'theme', 'graphFrom', 'graphTo', 'baselineFrom', 'baselineTo', 'baselineShift', 'baselineQuery',
] as const // biome-ignore format: a list of words

/** The other way; what equals the default is left out. */
export function printUrl(state: PageState): string {
  const params = new URLSearchParams()
  for (const name of ['type', 'query', 'from', 'to', 'view', 'refresh'] as const) {
    if (state[name] !== DEFAULT_STATE[name]) params.set(name, state[name])
  }
  for (const name of state.groupBy) params.append('groupBy', name)
  for (const name of OPTIONAL) {
    const value = state[name]
    if (value !== undefined) params.set(name, String(value))
  }
  for (const [name, value] of new URLSearchParams(state.picture)) params.set(name, value)
  const text = params.toString()
  return text === '' ? '' : `?${text}`
}

/** The page with another view open. A path leads somewhere else in an iceberg than in the other two. */
export function withView(state: PageState, view: View): PageState {
  if (view === state.view) return state
  const params = new URLSearchParams(state.picture)
  if (view === 'iceberg' || state.view === 'iceberg') params.delete('zoom')
  return { ...state, view, picture: viewParams(params) }
}

/** A longer one was not made by a panel. */
function pictureOf(params: URLSearchParams): string {
  const text = viewParams(params)
  return text.length <= VIEW_CHARACTERS_MAX ? text : ''
}

/** Grafana's relative moments: now, now-15m, now/d, now-1d/d. */
const RELATIVE = /^now(?:[+-]\d{1,6}[smhdwMy])*(?:\/f?[smhdwMyQ])?$/

/** Both ends or neither: half of a link's range means nothing beside half of the default. */
function rangeOf(from: string, to: string, nowMs: number): { readonly from: string; readonly to: string } {
  const start = boundOf(from, nowMs)
  const end = boundOf(to === '' ? DEFAULT_STATE.to : to, nowMs)
  const { from: fromDefault, to: toDefault } = DEFAULT_STATE
  if (start === undefined || end === undefined) return { from: fromDefault, to: toDefault }
  const isReversed = isDigits(start) && isDigits(end) && Number(start) >= Number(end)
  return isReversed ? { from: fromDefault, to: toDefault } : { from: start, to: end }
}

/** One end of a range in the form that is kept: relative as it stands, absolute as epoch ms. */
function boundOf(text: string, nowMs: number): string | undefined {
  if (RELATIVE.test(text)) return text
  const moment = momentOf(text, nowMs)
  return moment === undefined ? undefined : String(moment)
}

/** Two moments in order, or none. */
function spanOf(from: string, to: string, nowMs: number) {
  const fromMs = momentOf(from, nowMs)
  const toMs = momentOf(to, nowMs)
  return fromMs === undefined || toMs === undefined || fromMs >= toMs ? undefined : { fromMs, toMs }
}

function momentOf(text: string, nowMs: number): number | undefined {
  if (text === '') return undefined
  const moment = parseTime(text, nowMs)
  return moment.ok ? Math.round(moment.value) : undefined
}

const isDigits = (text: string) => /^\d+$/.test(text)
