// The script of an exported profile: reads the page's data, draws it by d3-flame-graph, zooms by click and searches by
// name. Everything that a name touches is text: `textContent` and the library's `.text()`, never markup.
import flamegraph, { type ChartNode } from 'd3-flame-graph'
import { select } from 'd3-selection'
import './page.css'
import type { CallTree } from '../../tree/call-tree.ts'
import { searchTree } from '../../tree/search.ts'
import { grouped, percent } from '../format.ts'
import type { PageData } from '../page-data.ts'

/** A box as the library wants it: an object with its children. */
interface Box {
  readonly node: number
  readonly value: number
  readonly children: Box[]
}

const ROW_PX = 18
const MATCH_FILL = '#b400b4'
const MATCH_TEXT = '#ffffff'

const data = JSON.parse(element('profile').textContent) as PageData
if (data.share[0]! > 0) draw(data)

function draw(data: PageData): void {
  const graph = element('graph')
  const details = element('details')
  const search = element('search') as HTMLInputElement
  const tree = searchable(data)
  const widthOf = () => Math.max(100, Math.floor(graph.clientWidth))
  const styleOf = (node: number) => data.styles[data.style[node]!]!
  let matches: ReturnType<typeof searchTree> | undefined

  const chart = flamegraph<Box>()
    .width(widthOf())
    .height((data.depth.reduce((deepest, depth) => Math.max(deepest, depth), 0) + 1) * ROW_PX)
    .cellHeight(ROW_PX)
    .minFrameSize(1)
    .transitionDuration(0)
    .inverted(data.orientation === 'icicle')
    .getName(({ data: { node } }) => data.label[node]!)
    .setLabelHandler(({ data: { node } }) => data.title[node]!)
    .setColorMapper(({ highlight, data: { node } }) => (highlight === true ? MATCH_FILL : styleOf(node).fill))
    .setSearchMatch(({ data: { node } }) => matches?.frameMask[node] === 1)
    .setSearchHandler(() => undefined)
    .setDetailsHandler((title) => {
      details.textContent = title ?? '\u00a0'
    })
    .onClick(dress)
  select(graph).datum(boxesOf(data)).call(chart)
  dress()

  /** What the library has no word for: text colours, edges of new and gone frames, hatching. After each of its updates. */
  function dress(): void {
    for (const group of graph.querySelectorAll('g')) {
      const { data: box, highlight } = (group as unknown as { readonly __data__: ChartNode<Box> }).__data__
      group.querySelector('div')!.style.color = highlight === true ? MATCH_TEXT : styleOf(box.node).text
      group.querySelector('rect')!.setAttribute('class', data.mark[box.node]!)
    }
  }

  function find(): void {
    const query = search.value
    matches = query.trim() === '' ? undefined : searchTree(tree, query)
    if (matches === undefined) chart.clear()
    else chart.search(query)
    dress()
    element('matches').textContent = matches === undefined ? '' : matchesText(matches, tree)
  }
  function zoomToWidest(): void {
    let widest = -1
    matches?.frameMask.forEach((isMatch, node) => {
      if (isMatch === 1 && (widest < 0 || data.share[node]! > data.share[widest]!)) widest = node
    })
    const found = findBox(graph, widest)
    if (found !== undefined) chart.zoomTo(found)
  }
  function back(): void {
    if (search.value === '') chart.resetZoom()
    search.value = ''
    find()
  }

  search.addEventListener('input', find)
  element('tools').addEventListener('submit', (event) => {
    event.preventDefault()
    zoomToWidest()
  })
  element('reset').addEventListener('click', () => chart.resetZoom())
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') back()
    else if (event.key === '/' && event.target !== search) search.focus()
    else return
    event.preventDefault()
  })
  window.addEventListener('resize', () => {
    chart.width(widthOf()).update()
    graph.querySelector('svg')?.setAttribute('width', String(widthOf()))
    dress()
  })
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no element "${id}"`)
  return found
}

/** The root with all below it. No recursion: depth is the program's choice. */
function boxesOf({ depth, share }: PageData): Box {
  const open: Box[] = []
  for (let node = 0; node < depth.length; node++) {
    const box: Box = { node, value: share[node]!, children: [] }
    if (node > 0) open[depth[node]! - 1]!.children.push(box)
    open[depth[node]!] = box
  }
  return open[0]!
}

/** The page's columns as a tree in which every box is a frame of its own. */
function searchable({ name, depth, share }: PageData): CallTree {
  const blank = name.map(() => '')
  const columns = Float64Array.from(share)
  return {
    frames: { name, file: blank, mapping: blank, kind: blank },
    depth: Uint16Array.from(depth),
    frame: Uint32Array.from(depth, (_, node) => node),
    self: columns,
    total: columns,
  }
}

function matchesText({ matchedNodes, matchedTotal }: ReturnType<typeof searchTree>, tree: CallTree): string {
  if (matchedNodes === 0) return 'no match'
  const frames = `${grouped(matchedNodes)} ${matchedNodes === 1 ? 'frame' : 'frames'}`
  return `${frames}, ${percent(Math.min(1, matchedTotal / tree.total[0]!))} of the whole`
}

/** The chart's own node of a box: from the root that hangs on the element. */
function findBox(graph: Element, node: number): ChartNode<Box> | undefined {
  interface Branch extends ChartNode<Box> {
    readonly children?: readonly Branch[]
  }
  const waiting: Branch[] = [(graph as unknown as { readonly __data__: Branch }).__data__]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.data.node === node) return next
    waiting.push(...(next.children ?? []))
  }
  return undefined
}
