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
import { hotTree } from './tree.ts'

export const WHICH = ['ours', 'd3-flame-graph'] as const
export type Which = (typeof WHICH)[number]

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

interface BenchPage {
  /** Makes the tree, and the path that `zoom` goes to. */
  make(nodes: number): void
  /** Milliseconds from the call to the message after the next frame; what each component takes is ready before. */
  draw(which: Which): Promise<number>
  /** Into the heaviest path until half of the whole is left, or back to the root. */
  zoom(isIn: boolean): void
  /** Where the lowest row ends, in pixels of the page. */
  baseY(): number
  remove(): void
}
declare global {
  interface Window {
    bench: BenchPage
  }
}

let tree: CallTree = hotTree(1)
let path: readonly string[] = []
let drawn: Drawn | undefined

window.bench = {
  make(nodes) {
    tree = hotTree(nodes)
    path = heavyPath(branchOf(tree))
  },
  async draw(which) {
    const box = document.getElementById('root')!
    const draw = which === 'ours' ? readyOurs(box) : readyD3(box)
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    const startedMs = performance.now()
    drawn = draw()
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    const tookMs = performance.now() - startedMs
    box.scrollTop = box.scrollHeight // the base of the picture, where both have their widest boxes
    return tookMs
  },
  zoom(isIn) {
    drawn?.zoom(isIn ? path : [])
  },
  baseY() {
    const box = document.getElementById('root')!
    const picture = box.querySelector('[role=tree], svg.d3-flame-graph')!
    return Math.min(picture.getBoundingClientRect().bottom, box.getBoundingClientRect().bottom)
  },
  remove() {
    drawn?.remove()
    drawn = undefined
  },
}

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

function heavyPath(root: Branch): readonly string[] {
  const names: string[] = []
  for (let branch = root; branch.value > root.value / 2 || names.length === 0; ) {
    if (branch.children.length === 0) break
    branch = branch.children.reduce((one, other) => (other.value > one.value ? other : one))
    names.push(branch.name)
  }
  return names
}
