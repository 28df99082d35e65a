// Which key means what while the graph has the focus? A table, so that the list shown by "?" is the truth.
// Keys with Ctrl, Alt or Meta belong to the browser and to Grafana.

export type Command =
  | 'up' | 'down' | 'left' | 'right' | 'zoom' | 'back' | 'root' | 'search' | 'next' | 'previous'
  | 'orientation' | 'colors' | 'graph' | 'table' | 'both' | 'help' // biome-ignore format: one list

export interface KeyRow {
  readonly keys: readonly string[]
  readonly command: Command
  readonly says: string
}

export const KEYS: readonly KeyRow[] = [
  { keys: ['ArrowUp'], command: 'up', says: 'to the bar above' },
  { keys: ['ArrowDown'], command: 'down', says: 'to the bar below' },
  { keys: ['ArrowLeft'], command: 'left', says: 'to the bar on the left' },
  { keys: ['ArrowRight'], command: 'right', says: 'to the bar on the right' },
  { keys: ['Enter', ' '], command: 'zoom', says: 'zoom to this bar' },
  { keys: ['Escape', 'Backspace'], command: 'back', says: 'clear the search, then one zoom back' },
  { keys: ['Home'], command: 'root', says: 'show everything' },
  { keys: ['/'], command: 'search', says: 'search' },
  { keys: ['n'], command: 'next', says: 'next match' },
  { keys: ['N', 'p'], command: 'previous', says: 'previous match' },
  { keys: ['o'], command: 'orientation', says: 'turn: flame or icicle' },
  { keys: ['k'], command: 'colors', says: 'colors: default or color-blind safe' },
  { keys: ['1'], command: 'graph', says: 'graph only' },
  { keys: ['2'], command: 'table', says: 'table only' },
  { keys: ['3'], command: 'both', says: 'graph and table' },
  { keys: ['?'], command: 'help', says: 'this list' },
]

export interface KeyPress {
  readonly key: string
  readonly ctrlKey: boolean
  readonly altKey: boolean
  readonly metaKey: boolean
}

/** The command of a key press; undefined for keys that are not ours. */
export function commandOf(press: KeyPress): Command | undefined {
  if (press.ctrlKey || press.altKey || press.metaKey) return undefined
  return KEYS.find((row) => row.keys.includes(press.key))?.command
}
