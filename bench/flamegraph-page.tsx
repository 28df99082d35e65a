// The page that the flame graph bench drives: the same tree drawn by one component or the other, in a box of equal size.
import { createTheme } from '@grafana/data'
import flamegraph, { type Chart, type ChartNode } from 'd3-flame-graph'
import { select } from 'd3-selection'
import React from 'react'
import { flushSync } from 'react-dom'
import { createRoot, type Root } from 'react-dom/client'
import type { CallTree } from '#profile/tree/call-tree'
import { FlameGraph } from '../src/flamegraph/FlameGraph.tsx'
import { DEFAULT_VIEW, type ViewState } from '../src/flamegraph/view-state.ts'
import { frameShown } from './flamegraph-contract.ts'
import { heavyPath } from './flamegraph-path.ts'
import { hotTree } from './tree.ts'

const SIZE = { cssWidth: 1_400, cssHeight: 800 }

/** What d3-flame-graph draws; it writes marks of its own into it. */
interface Branch {
  readonly name: string
  readonly value: number
  readonly children: Branch[]
}
/** Of d3-hierarchy. */
interface HierarchyNode extends ChartNode<Branch> {
  readonly children?: readonly HierarchyNode[]
}

/** A picture that stands. Both calls return when the script is done; the browser may draw later. */
interface Drawn {
  zoom(path: readonly string[]): void
  remove(): void
}

declare global {
  interface Window {
    /** Into the heaviest path until half of the whole is left, or back to the root. */
    zoom(isIn: boolean): void
  }
}

let tree: CallTree = hotTree(1)
let path: readonly string[] = []
let drawn: Drawn | undefined

const COMPONENTS: Readonly<Record<string, (box: HTMLElement) => () => Drawn>> = {
  ours: readyOurs,
  'd3-flame-graph': readyD3,
}

window.bench = {
  make(nodes) {
    tree = hotTree(nodes)
    path = heavyPath(tree).map((node) => tree.frames.name[tree.frame[node]!]!)
  },
  async draw(component) {
    const ready = Object.hasOwn(COMPONENTS, component) ? COMPONENTS[component] : undefined
    if (ready === undefined) throw new Error(`this page has no ${component}`)
    const draw = ready(document.getElementById('root')!)
    await frameShown()
    const startedMs = performance.now()
    drawn = draw()
    await frameShown()
    return performance.now() - startedMs
  },
  base() {
    const box = document.getElementById('root')!
    box.scrollTop = box.scrollHeight // the base of the picture, where both have their widest boxes
    const picture = box.querySelector('[role=tree], svg.d3-flame-graph')!
    const y = Math.min(picture.getBoundingClientRect().bottom, box.getBoundingClientRect().bottom)
    return { y, toRows: -1 }
  },
  remove() {
    drawn?.remove()
    drawn = undefined
  },
}
window.zoom = (isIn) => drawn?.zoom(isIn ? path : [])

function readyOurs(box: HTMLElement): () => Drawn {
  const own = { ...tree } // a new object is new data
  return () => {
    const root = createRoot(box)
    const show = (view: ViewState) => flushSync(() => root.render(ours(own, view, root)))
    const view: ViewState = { ...DEFAULT_VIEW, show: 'graph' }
    show(view)
    return { zoom: (to) => show({ ...view, zoom: to }), remove: () => root.unmount() }
  }
}

const THEME = createTheme({ colors: { mode: 'dark' } })

const ours = (own: CallTree, view: ViewState, root: Root): React.ReactElement => (
  <FlameGraph
    tree={own}
    view={view}
    onView={(next) => root.render(ours(own, next, root))}
    size={SIZE}
    theme={THEME}
    printTime={String}
    unit="nanoseconds"
    counted="CPU"
  />
)

function readyD3(box: HTMLElement): () => Drawn {
  const data = branchOf(tree)
  return () => {
    const chart: Chart<Branch> = flamegraph<Branch>()
      .width(SIZE.cssWidth)
      .transitionDuration(0)
      .minFrameSize(1)
    select(box).datum(data).call(chart)
    const { __data__: top } = box as unknown as { __data__: HierarchyNode }
    return {
      zoom(to) {
        let node = top
        for (const name of to) node = node.children!.find((child) => child.data.name === name)!
        chart.zoomTo(node)
      },
      remove: () => box.replaceChildren(),
    }
  }
}

/** The tree as objects. O(nodes). */
function branchOf({ depth, frame, frames, total }: CallTree): Branch {
  const line: Branch[] = []
  for (let i = 0; i < depth.length; i++) {
    const branch: Branch = { name: frames.name[frame[i]!]!, value: total[i]!, children: [] }
    if (i > 0) line[depth[i]! - 1]!.children.push(branch)
    line[depth[i]!] = branch
  }
  return line[0]!
}
