// What of d3-flame-graph 5.0.0 and d3-selection 3.0.1 the page uses; neither package has types.

declare module 'd3-selection' {
  export interface Selection {
    datum(data: unknown): Selection
    call(chart: (selection: Selection) => void): Selection
  }
  export function select(element: Element): Selection
}

declare module 'd3-flame-graph' {
  import type { Selection } from 'd3-selection'

  /** What the chart makes of a datum: `data` is ours, the rest is its own. */
  export interface ChartNode<Datum> {
    readonly data: Datum
    readonly highlight?: boolean
  }
  export interface Chart<Datum> {
    (selection: Selection): void
    width(px: number): Chart<Datum>
    height(px: number): Chart<Datum>
    cellHeight(px: number): Chart<Datum>
    minFrameSize(px: number): Chart<Datum>
    transitionDuration(ms: number): Chart<Datum>
    inverted(isIcicle: boolean): Chart<Datum>
    getName(name: (node: ChartNode<Datum>) => string): Chart<Datum>
    setLabelHandler(title: (node: ChartNode<Datum>) => string): Chart<Datum>
    setColorMapper(color: (node: ChartNode<Datum>) => string): Chart<Datum>
    setSearchMatch(isMatch: (node: ChartNode<Datum>, term: string) => boolean): Chart<Datum>
    setSearchHandler(done: () => void): Chart<Datum>
    setDetailsHandler(tell: (title: string | null) => void): Chart<Datum>
    onClick(done: (node: ChartNode<Datum>) => void): Chart<Datum>
    search(term: string): void
    clear(): void
    resetZoom(): void
    zoomTo(node: ChartNode<Datum>): void
    update(): Chart<Datum>
  }
  export default function flamegraph<Datum>(): Chart<Datum>
}
