// The flame graph, iceberg or diff as one component: header, search, crumbs, picture and table. It knows no panel and no
// query: a tree and a view state come in, the next view state goes out.
import type { GrafanaTheme2 } from '@grafana/data'
import React from 'react'
import { makeColoring } from '#profile/picture/colors'
import { describeNode } from '#profile/picture/describe'
import { makeFormat } from '#profile/picture/format'
import { type Comparing, type GraphModel, makeModel, nodeAt, pathOf } from '#profile/picture/graph-model'
import { readingRule } from '#profile/picture/reading-rule'
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import { Breadcrumbs } from './Breadcrumbs.tsx'
import { commonAncestor } from './boxes.ts'
import { Changes } from './Changes.tsx'
import { FunctionTable } from './FunctionTable.tsx'
import { headerParts, type PrintTime, type ProfileFacts } from './facts.ts'
import { findFrames, findNodes, matchesText, nextMatch } from './find.ts'
import { tableRows } from './function-rows.ts'
import { GraphCanvas, type GraphHandle } from './GraphCanvas.tsx'
import { Header } from './Header.tsx'
import type { Hit } from './hit-test.ts'
import { KeyList } from './KeyList.tsx'
import { type Command, commandOf } from './keys.ts'
import { makeStyles } from './styles.ts'
import { Toolbar } from './Toolbar.tsx'
import { themeColors } from './theme-colors.ts'
import type { ViewState } from './view-state.ts'

export interface FlameGraphProps {
  /** A new object means new data. */
  readonly tree: CallTree | DiffTree
  /** Base functions as first level, callers above them: an iceberg. */
  readonly isInverted?: boolean | undefined
  readonly view: ViewState
  readonly onView: (next: ViewState) => void
  readonly size: { readonly cssWidth: number; readonly cssHeight: number }
  readonly theme: GrafanaTheme2
  readonly printTime: PrintTime
  /** Of the values: "nanoseconds", "bytes", "count"; and what was counted, printed behind it ("CPU"). */
  readonly unit: string
  readonly counted?: string | undefined
  /** Of the tree, or of the comparison; absent for data of unknown origin. */
  readonly facts?: ProfileFacts | undefined
  readonly baselineFacts?: ProfileFacts | undefined
  readonly comparing?: Comparing | undefined
  /** Forms in which the host can hand out what is shown; none: no menu. */
  readonly exportFormats?: readonly string[] | undefined
  readonly onExport?: ((format: string) => void) | undefined
  /** Why the last export did not come; stands in the header until the next one. */
  readonly refusal?: string | undefined
}

const NO_FORMATS: readonly string[] = []
const CSS_ROW_HEIGHT = 20
const CSS_WIDTH_FOR_SELF_CHANGE = 1400 // with graph and table side by side; a lone table needs half of it
const CSS_HEIGHT_ROOMY = 480 // from here on the reading rule may take more than one line

export function FlameGraph(props: FlameGraphProps) {
  const { tree, isInverted, view, onView, theme, size, comparing = 'share' } = props
  const baselineSamples = props.baselineFacts?.samples
  const comparisonSamples = props.facts?.samples
  const model = React.useMemo(
    () => makeModel({ tree, isInverted, comparing, baselineSamples, comparisonSamples }),
    [tree, isInverted, comparing, baselineSamples, comparisonSamples],
  )
  const styles = React.useMemo(() => makeStyles(theme), [theme])
  const format = React.useMemo(() => makeFormat(props.unit, props.counted), [props.unit, props.counted])
  const shortFormat = React.useMemo(() => makeFormat(props.unit), [props.unit])
  const table = React.useMemo(() => tableRows(model), [model])
  const coloring = React.useMemo(
    () => makeColoring({ model, colorBy: view.colorBy, palette: view.palette, isDark: theme.isDark }),
    [model, view.colorBy, view.palette, theme.isDark],
  )
  const places = usePlaces(model)
  const zoom = places.nodeOf(view.zoom)
  const current = view.selected === undefined ? zoom : places.nodeOf(view.selected)
  const frameMask = React.useMemo(() => findFrames(model, view.search), [model, view.search])
  const matches = React.useMemo(
    () => (frameMask === undefined ? undefined : findNodes(model, frameMask, zoom)),
    [model, frameMask, zoom],
  )
  const [marked, setMarked] = React.useState<FunctionKey>()
  const markedFrame = React.useMemo(() => frameOf(model, marked), [model, marked])
  const [isHelpOpen, setHelpOpen] = React.useState(false)
  const history = React.useRef<(readonly string[])[]>([])
  const root = React.useRef<HTMLElement>(null)
  const graph = React.useRef<GraphHandle>(null)
  const search = React.useRef<HTMLInputElement>(null)
  const focusNext = React.useRef<'graph' | 'root' | undefined>(undefined)
  const reveal = React.useRef<number | undefined>(undefined)
  const id = React.useId().replaceAll(':', '')

  // Focus and scrolling follow what was just rendered; both talk to the DOM only.
  React.useLayoutEffect(() => {
    if (focusNext.current === 'graph') (graph.current ?? root.current)?.focus()
    if (focusNext.current === 'root') root.current?.focus()
    focusNext.current = undefined
    if (reveal.current !== undefined) graph.current?.reveal(reveal.current)
    reveal.current = undefined
  })

  const select = (node: number) => {
    reveal.current = node
    onView({ ...view, selected: places.pathOf(node) })
  }
  const zoomTo = (node: number) => {
    const path = places.pathOf(node)
    if (node !== zoom) history.current.push(view.zoom)
    onView({ ...view, zoom: path, selected: path })
  }
  /** One zoom step back; false at the root. */
  const zoomBack = (): boolean => {
    if (zoom === 0 && history.current.length === 0) return false
    const path = history.current.pop() ?? []
    onView({ ...view, zoom: path, selected: path })
    return true
  }
  const stepMatch = (direction: 1 | -1) => {
    const node = matches === undefined ? undefined : nextMatch(matches, current, direction)
    if (node !== undefined) select(node)
  }
  const firstMatch = () => {
    const node = matches?.nodes[0]
    if (node === undefined) return
    if (view.show !== 'table') focusNext.current = 'graph'
    select(node)
  }
  const onClick = (hit: Hit, isSecond: boolean) => {
    graph.current?.focus()
    if (isSecond) zoomBack()
    else if (hit.kind === 'box') zoomTo(hit.node)
    else zoomTo(nodeOfRun(model, hit, zoom))
  }
  /** From the table or the list of changes: outline the function's boxes and go to its widest one. */
  const onFrame = (frame: number) => {
    if (frame === markedFrame) return setMarked(undefined)
    setMarked(keyOf(model, frame))
    select(widestOf(model, frame))
  }

  const run = (command: Command): boolean => {
    switch (command) {
      case 'up':
      case 'down':
      case 'left':
      case 'right':
        if (graph.current !== null) select(graph.current.walk(current, command))
        return true
      case 'zoom':
        zoomTo(current)
        return true
      case 'back':
        if (isHelpOpen) setHelpOpen(false)
        else if (view.search !== '') onView({ ...view, search: '' })
        else return zoomBack()
        return true
      case 'root':
        zoomTo(0)
        return true
      case 'search':
        search.current?.focus()
        search.current?.select()
        return true
      case 'next':
      case 'previous':
        stepMatch(command === 'next' ? 1 : -1)
        return true
      case 'orientation':
        onView({ ...view, orientation: view.orientation === 'flame' ? 'icicle' : 'flame' })
        return true
      case 'colors':
        onView({ ...view, palette: view.palette === 'default' ? 'colorBlind' : 'default' })
        return true
      case 'graph':
      case 'table':
      case 'both':
        focusNext.current = command === 'table' ? 'root' : 'graph'
        onView({ ...view, show: command })
        return true
      case 'help':
        setHelpOpen(!isHelpOpen)
        return true
    }
  }
  const onKeyDown = (event: React.KeyboardEvent) => {
    const command = commandOf(event)
    if (command === undefined || !isOurs(event.target, command)) return
    if (!run(command)) return // nothing to go back to: Esc may leave Grafana's panel view
    event.preventDefault()
    event.stopPropagation()
  }

  const header = headerParts({
    tree,
    format,
    facts: props.facts,
    baselineFacts: props.baselineFacts,
    comparing,
    printTime: props.printTime,
  })
  const rule = readingRule({
    orientation: view.orientation,
    isInverted: model.isInverted,
    isDiff: model.diff !== undefined,
  })
  const isRoomy = size.cssHeight >= CSS_HEIGHT_ROOMY
  return (
    <section
      ref={root}
      className={styles.root}
      style={{ width: size.cssWidth, height: size.cssHeight }}
      aria-label="Profile"
      tabIndex={-1}
      onKeyDown={onKeyDown}
      data-testid="flametrail-graph"
    >
      <Header
        parts={props.refusal === undefined ? header : [{ text: props.refusal, isWarning: true }, ...header]}
        styles={styles}
      />
      <Toolbar
        view={view}
        onView={onView}
        isDiff={model.diff !== undefined}
        matchesText={matchesText(matches, current)}
        onStep={stepMatch}
        onFirstMatch={firstMatch}
        onLeaveSearch={() => graph.current?.focus()}
        exportFormats={props.exportFormats ?? NO_FORMATS}
        onExport={(format) => props.onExport?.(format)}
        onHelp={() => setHelpOpen(!isHelpOpen)}
        isHelpOpen={isHelpOpen}
        searchRef={search}
        styles={styles}
      />
      {model.diff !== undefined && (
        <Changes model={model} table={table} palette={view.palette} onFrame={onFrame} styles={styles} />
      )}
      <Breadcrumbs model={model} zoom={zoom} onZoom={zoomTo} format={format} styles={styles} />
      <div className={styles.body}>
        {view.show !== 'table' && (
          <div className={styles.graphColumn}>
            <GraphCanvas
              ref={graph}
              id={id}
              model={model}
              orientation={view.orientation}
              zoom={zoom}
              current={current}
              coloring={coloring}
              frameMask={frameMask}
              markedFrame={markedFrame}
              cssRowHeight={CSS_ROW_HEIGHT}
              fontFamily={theme.typography.fontFamilyMonospace}
              edgeColor={theme.isDark ? '#f7f8fa' : '#22252b'}
              mutedText={themeColors(theme).text.secondary}
              format={format}
              styles={styles}
              onClick={onClick}
            />
          </div>
        )}
        {view.show !== 'graph' && (
          <div className={model.diff === undefined ? styles.tableColumn : styles.wideTableColumn}>
            <FunctionTable
              model={model}
              table={table}
              frameMask={frameMask}
              markedFrame={markedFrame}
              onFrame={onFrame}
              format={shortFormat}
              hasSelfChange={size.cssWidth * (view.show === 'table' ? 2 : 1) >= CSS_WIDTH_FOR_SELF_CHANGE}
              styles={styles}
            />
          </div>
        )}
      </div>
      {view.show !== 'table' && (
        <p
          className={isRoomy ? styles.rule : `${styles.rule} ${styles.ruleShort}`}
          title={isRoomy ? undefined : rule}
          data-testid="flametrail-reading-rule"
        >
          {rule}
        </p>
      )}
      {isHelpOpen && <KeyList styles={styles} />}
      <div className={styles.hidden} aria-live="polite">
        {zoom === 0 ? '' : `Zoomed to ${describeNode(model, zoom, format)}`}
      </div>
    </section>
  )
}

/** Arrows, Enter and the like belong to the graph; in text fields nothing is ours, on buttons only the letters are. */
function isOurs(target: EventTarget, command: Command): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.closest('[role="tree"]') !== null) return true
  if (target.closest('input, textarea, select') !== null) return false
  return !['up', 'down', 'left', 'right', 'zoom', 'root'].includes(command)
}

/** Paths of names and nodes of the current tree, both ways. A path that we made ourselves remembers its node, so that
 *  namesakes among siblings are told apart as long as the data stays. */
function usePlaces(model: GraphModel) {
  return React.useMemo(() => {
    const known = new WeakMap<readonly string[], number>()
    return {
      nodeOf: (path: readonly string[]): number => {
        const node = known.get(path) ?? nodeAt(model, path)
        known.set(path, node)
        return node
      },
      pathOf: (node: number): readonly string[] => {
        const path = [...pathOf(model, node)]
        known.set(path, node)
        return path
      },
    }
  }, [model])
}

/** What a click on a run of narrow boxes zooms to: the frame that holds them all, or the widest where that is shown. */
function nodeOfRun(model: GraphModel, hit: Hit & { kind: 'run' }, zoom: number): number {
  const { boxes } = model
  const holder = commonAncestor(boxes, hit.firstNode, hit.lastNode)
  if (boxes.depth[holder]! > boxes.depth[zoom]!) return holder
  let widest = hit.firstNode
  for (let node = hit.firstNode; node <= hit.lastNode; node++)
    if (boxes.depth[node] === boxes.depth[widest] && boxes.width[node]! > boxes.width[widest]!) widest = node
  return widest
}

/** What a function is by its name, file and mapping: frame ids are another matter with every answer. */
type FunctionKey = readonly [name: string, file: string, mapping: string]
const keyOf = ({ frames }: GraphModel, frame: number): FunctionKey => [
  frames.name[frame]!,
  frames.file[frame]!,
  frames.mapping[frame]!,
]

function frameOf(model: GraphModel, key: FunctionKey | undefined): number | undefined {
  if (key === undefined) return undefined
  const [name, file, mapping] = key
  const { frames } = model
  const found = frames.name.findIndex(
    (other, frame) => other === name && frames.file[frame] === file && frames.mapping[frame] === mapping,
  )
  return found < 0 ? undefined : found
}

function widestOf(model: GraphModel, frame: number): number {
  let widest = 0
  let unitWidth = -1
  for (let node = 0; node < model.frame.length; node++) {
    if (model.frame[node] !== frame || model.boxes.width[node]! <= unitWidth) continue
    widest = node
    unitWidth = model.boxes.width[node]!
  }
  return widest
}
