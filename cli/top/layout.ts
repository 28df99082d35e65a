// How does a view fill a screen of width × height cells? Lines of text, each with the way it is shown; nothing is written
// here. Pure.
//
//   every process, last 10 s at 97 Hz: 1.98 of 2 cores                     paused      two lines of facts
//   1,921 samples; lost: ring_full 12; 3 % of stacks end early
//    cores    self   total  function                      service  its cores           titles
//     0.98  49.5 %  50.0 %  spin_hot                      burn          0.99           rows
//   q quit  space pause  sort: s self  t total  c cores  / filter  ? help    1-20 of 345
import { cleanName } from '#profile/picture/clean-name'
import { cellsOf, cutEnd, fitCells } from './cells.ts'
import { orderRows } from './order.ts'
import { clampScroll, type Page, type TopState } from './state.ts'
import { coresOf, shareOf, type TopView } from './view.ts'

/** A line of at most the screen's width in cells. */
export interface Line {
  readonly text: string
  readonly look: 'fact' | 'note' | 'titles' | 'row' | 'keys'
}

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Screen {
  /** As many as the screen is high. */
  readonly lines: readonly Line[]
  /** What the keys can scroll. */
  readonly page: Page
  /** Where the cursor stands while a filter is typed: cells from the left, on the last line. */
  readonly cursor: number | undefined
}

const FACT_LINES = 2
const FRAME_LINES = FACT_LINES + 2 // and titles, and keys

const HELP = [
  'cores    how many cores the function itself kept busy, on average over the window',
  'self     its own time as a share of all that was sampled',
  'total    its time with all that it calls; recursion counts once',
  '',
  's        sort by own time',
  't        sort by time with callees',
  'c        sort by cores: the service that uses most first, its functions beneath it',
  '/        show only functions, binaries and services with these letters in them',
  'Enter    keeps the filter, Esc clears it',
  'space    holds the table; sampling goes on',
  'arrows, PgUp, PgDn, Home, End    scroll',
  'q        quit; so does Ctrl-C',
]

/** Fills a screen.
 *  in   words  whom we watch, and how: "every process, last 10 s at 97 Hz";  size  whole cells, 1 or more
 *  cost O(rows · log rows) */
export function layOut(
  { view, words, state }: { readonly view: TopView; readonly words: string; readonly state: TopState },
  { width, height }: Size,
): Screen {
  const order = orderRows(view, state)
  const page = { rows: order.length, height: Math.max(0, height - FRAME_LINES) }
  const first = clampScroll(state.scroll, page)
  const shown = order.slice(first, first + page.height)
  const columns = columnsFor(view, width)
  const body = state.isHelp
    ? HELP.slice(0, page.height).map((text): Line => ({ text: ` ${text}`, look: 'row' }))
    : shown.map((row): Line => ({ text: rowLine(columns, (column) => column.cell(row)), look: 'row' }))
  const blank = Array.from({ length: page.height - body.length }, (): Line => ({ text: '', look: 'row' }))
  const titles = state.isHelp ? 'help: any key goes back' : rowLine(columns, (column) => column.title)
  const keys = keysLine(state, { first, shown: shown.length, of: order.length, width })
  const all: Line[] = [
    { text: ends(factLine(view, words), state.isPaused ? 'paused' : '', width), look: 'fact' },
    { text: noteLine(view, state.filter, order), look: 'note' },
    { text: titles, look: 'titles' },
    ...body,
    ...blank,
    { text: keys, look: 'keys' },
  ]
  // A screen too low for all of it keeps its head, and the keys if there is more than one line.
  const kept = height >= all.length ? all : [...all.slice(0, Math.max(1, height - 1)), ...all.slice(-1)]
  const lines = kept
    .slice(0, height)
    .map(({ text, look }) => ({ text: cutEnd(cleanName(text), width), look }))
  const cursor = state.isTyping ? Math.min(width - 1, cellsOf(`/${cleanName(state.filter)}`)) : undefined
  return { lines, page, cursor }
}

interface Shown {
  readonly title: string
  readonly width: number
  readonly align: 'left' | 'right'
  readonly cell: (row: number) => string
}

const NUMBERS_CELLS = 6 + 2 + 7 + 2 + 7 + 2

/** What a line has room for: numbers and function always, then who runs it, then its binary. */
function columnsFor(view: TopView, width: number): readonly Shown[] {
  const { rows, services } = view
  const cores = (value: number) => coresOf(view, value).toFixed(2)
  const share = (value: number) => `${(shareOf(view, value) * 100).toFixed(1)} %`
  const numbers: readonly Shown[] = [
    { title: 'cores', width: 6, align: 'right', cell: (row) => cores(rows.self[row]!) },
    { title: 'self', width: 7, align: 'right', cell: (row) => share(rows.self[row]!) },
    { title: 'total', width: 7, align: 'right', cell: (row) => share(rows.total[row]!) },
  ]
  const room = width - NUMBERS_CELLS
  const side = Math.max(8, Math.min(24, Math.floor(room * 0.28)))
  const binary: Shown = { title: 'binary', width: side, align: 'left', cell: (row) => rows.mapping[row]! }
  const service: Shown = { title: 'service', width: side, align: 'left', cell: (row) => rows.service[row]! }
  const serviceCores: Shown = {
    title: 'its cores',
    width: 9,
    align: 'right',
    cell: (row) => cores(services?.get(rows.service[row]!) ?? 0),
  }
  const others =
    services === undefined
      ? [...(room >= 24 ? [binary] : [])]
      : [
          ...(room >= 84 ? [binary] : []),
          ...(room >= 24 ? [service] : []),
          ...(room >= 46 ? [serviceCores] : []),
        ]
  const taken = others.reduce((sum, column) => sum + column.width + 2, 0)
  const name: Shown = {
    title: 'function',
    width: Math.max(1, room - taken),
    align: 'left',
    cell: (row) => rows.name[row]!,
  }
  return [...numbers, name, ...others]
}

const rowLine = (columns: readonly Shown[], cell: (column: Shown) => string): string =>
  columns.map((column) => fitCells(cell(column), column.width, column.align)).join('  ')

/** "every process, last 10 s at 97 Hz: 1.98 of 2 cores". */
export function factLine(view: TopView, words: string): string {
  if (view.seconds === 0) return words
  const of = view.cpus === undefined ? '' : ` of ${view.cpus}`
  return `${words}: ${coresOf(view, view.all).toFixed(2)}${of} cores`
}

/** Samples, how far their stacks can be trusted, what was lost. */
export function noteLine(view: TopView, filter: string, order: readonly number[]): string {
  if (view.seconds === 0) return ['starting …', ...view.notes].join('; ')
  const own = order.reduce((sum, row) => sum + view.rows.self[row]!, 0)
  const facts = [
    filter === ''
      ? ''
      : `${count(order.length)} of ${count(view.rows.self.length)} functions, own time ${coresOf(view, own).toFixed(2)} cores`,
    `${count(view.samples)} samples`,
    ...view.notes,
    view.endEarly > 0 ? `${Math.round(view.endEarly * 100)} % of stacks end early` : '',
  ]
  return facts.filter((fact) => fact !== '').join('; ')
}

function keysLine(
  state: TopState,
  at: { readonly first: number; readonly shown: number; readonly of: number; readonly width: number },
): string {
  const place = at.of === 0 ? 'nothing' : `${at.first + 1}-${at.first + at.shown} of ${at.of}`
  const typed = cleanName(state.filter)
  if (state.isTyping) return ends(`/${typed}`, `Enter keeps  Esc clears  ${place}`, at.width)
  const filter = state.filter === '' ? '/ filter' : `/ filter: ${typed}  Esc clears`
  const sorts = [
    ['s', 'self'],
    ['t', 'total'],
    ['c', 'cores'],
  ].map(([key, sort]) => (sort === state.sort ? `${key} [${sort}]` : `${key} ${sort}`))
  const pause = state.isPaused ? 'space go on' : 'space pause'
  return ends(`q quit  ${pause}  ${sorts.join('  ')}  ${filter}  ? help`, place, at.width)
}

/** Both ends of a line; the right one gives way. */
function ends(left: string, right: string, width: number): string {
  const gap = width - cellsOf(left) - cellsOf(right)
  return gap >= 2 ? left + ' '.repeat(gap) + right : left
}

/** 12,345: the same on every machine. */
const count = (value: number): string =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',')
