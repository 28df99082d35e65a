// What can be set for a panel, and how do options written by an older version become today's? Options are first values:
// what the reader changes while looking stays in the component, because Explore has nowhere to keep it.
import type { Comparing } from '#profile/picture/graph-model'
import { DEFAULT_VIEW, type Show, type ViewState } from '../flamegraph/view-state.ts'

export const OPTIONS_VERSION = 1

export interface GraphOptions {
  /** Raised by a migration; absent: never saved, or another panel's. */
  readonly version?: number
  /** `auto`: graph and table where there is room for both. */
  readonly show: 'auto' | Show
  readonly orientation: ViewState['orientation']
  readonly colorBy: ViewState['colorBy']
  readonly palette: ViewState['palette']
  /** Read by the diff panel alone. */
  readonly comparing: Comparing
  /** The strip of time above the graph. */
  readonly timeline: boolean
  /** What a link says, as `printView` wrote it; set by the host, by no one's hand. */
  readonly view?: string
}

export const DEFAULT_OPTIONS: GraphOptions = {
  version: OPTIONS_VERSION,
  show: 'auto',
  orientation: DEFAULT_VIEW.orientation,
  colorBy: DEFAULT_VIEW.colorBy,
  palette: DEFAULT_VIEW.palette,
  comparing: 'share',
  timeline: false,
}

/** The words each option may be. A word from elsewhere becomes the default: options are edited by hand, too. */
const ALLOWED = {
  show: ['auto', 'graph', 'table', 'both'],
  orientation: ['flame', 'icicle'],
  colorBy: ['package', 'function'],
  palette: ['default', 'colorBlind'],
  comparing: ['share', 'absolute'],
} as const

/** Brings saved options to the present version: unknown keys stay, wrong or missing values become the default. */
export function migrateOptions(saved: unknown): GraphOptions {
  const options: Record<string, unknown> =
    typeof saved === 'object' && saved !== null ? { ...(saved as Record<string, unknown>) } : {}
  for (const key of Object.keys(ALLOWED) as (keyof typeof ALLOWED)[])
    if (!(ALLOWED[key] as readonly unknown[]).includes(options[key])) options[key] = DEFAULT_OPTIONS[key]
  if (typeof options.timeline !== 'boolean') options.timeline = DEFAULT_OPTIONS.timeline
  if (typeof options.view !== 'string') delete options.view
  return { ...(options as unknown as GraphOptions), version: OPTIONS_VERSION }
}

/** Takes over from another panel when a dashboard's panel changes its type: Grafana's own flame graph knows one option
 *  of ours under another name. */
export function optionsFrom(pluginId: string, previous: unknown): Partial<GraphOptions> {
  const old = (previous ?? {}) as { showFlameGraphOnly?: unknown }
  if (pluginId === 'flamegraph' && old.showFlameGraphOnly === true) return { show: 'graph' }
  return {}
}

const CSS_WIDTH_FOR_BOTH = 900

/** The view a panel of this width opens with. */
export function firstView(options: GraphOptions, cssWidth: number): ViewState {
  const { show, orientation, colorBy, palette } = options
  const room: Show = cssWidth >= CSS_WIDTH_FOR_BOTH ? 'both' : 'graph'
  return { ...DEFAULT_VIEW, orientation, colorBy, palette, show: show === 'auto' ? room : show }
}
