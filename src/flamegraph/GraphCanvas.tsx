// The picture itself: a scrolling window with a canvas of the window's size, never of the picture's. Redrawn when the
// tree, the view, the size, the theme, the fonts or the device pixel ratio change; hovering moves a DOM box and redraws
// nothing. For assistive technology it is a tree with one item, the current node, which moves with the keyboard.
import React, {
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import type { Coloring } from '#profile/picture/colors'
import { describeNode } from '#profile/picture/describe'
import type { Format } from '#profile/picture/format'
import type { GraphModel } from '#profile/picture/graph-model'
import type { Orientation } from '#profile/picture/reading-rule'
import { canvasRenderer } from './canvas-renderer.ts'
import { type Hit, hitTest } from './hit-test.ts'
import { makePainter, type PaintInput } from './paint.ts'
import type { Styles } from './styles.ts'
import { Tooltip } from './Tooltip.tsx'
import {
  clampScroll,
  cssContentHeight,
  cssLevelTop,
  scrollIntoView,
  scrollToBase,
  type Viewport,
  zoomRange,
} from './viewport.ts'
import { makeRow } from './visible-row.ts'
import { type Direction, walk } from './walk.ts'

export interface GraphCanvasProps {
  readonly model: GraphModel
  readonly orientation: Orientation
  readonly zoom: number
  readonly current: number
  readonly coloring: Coloring
  readonly frameMask: Uint8Array | undefined
  readonly markedFrame: number | undefined
  readonly cssRowHeight: number
  readonly fontFamily: string
  readonly edgeColor: string
  readonly mutedText: string
  readonly format: Format
  readonly styles: Styles
  readonly id: string
  /** A box was clicked: once, or for the second time in a row. */
  readonly onClick: (hit: Hit, isSecond: boolean) => void
}

/** What the keyboard asks of the picture. */
export interface GraphHandle {
  focus(): void
  hasFocus(): boolean
  /** The node an arrow leads to, as shown. */
  walk(node: number, direction: Direction): number
  reveal(node: number): void
}

export const GraphCanvas = React.forwardRef<GraphHandle, GraphCanvasProps>(
  function GraphCanvas(props, handle) {
    const { model, orientation, zoom, current, cssRowHeight, styles, id } = props
    const scroller = useRef<HTMLDivElement>(null)
    const spacer = useRef<HTMLDivElement>(null)
    const pane = useRef<HTMLDivElement>(null)
    const canvas = useRef<HTMLCanvasElement>(null)
    const item = useRef<HTMLDivElement>(null)
    const hoverBox = useRef<HTMLDivElement>(null)
    const painter = useRef<((input: PaintInput) => void) | undefined>(undefined)
    const viewport = useRef<Viewport | undefined>(undefined)
    // Distance of the window from the picture's base: it survives new data, which may have more or fewer levels.
    const place = useRef({ key: '', cssFromBase: 0 })
    const scratch = useMemo(() => makeRow(), [])
    const [hover, setHover] = useState<{ hit: Hit; clientX: number; clientY: number; model: GraphModel }>()
    const range = useMemo(() => zoomRange(model.boxes, zoom), [model, zoom])

    const readViewport = useCallback((): Viewport | undefined => {
      const element = scroller.current
      if (element === null) return undefined
      return {
        ...range,
        orientation,
        cssRowHeight,
        cssWidth: element.clientWidth,
        cssHeight: element.clientHeight,
        cssScrollTop: element.scrollTop,
        ratio: window.devicePixelRatio || 1,
      }
    }, [range, orientation, cssRowHeight])

    const draw = useCallback(() => {
      const view = readViewport()
      if (view === undefined || canvas.current === null) return
      viewport.current = view
      if (view.cssWidth <= 0 || view.cssHeight <= 0) return // a collapsed row: nothing to draw, nothing to break
      painter.current ??= makePainter(canvasRenderer(canvas.current, { family: props.fontFamily }))
      painter.current({
        model,
        view,
        coloring: props.coloring,
        frameMask: props.frameMask,
        markedFrame: props.markedFrame,
        edgeColor: props.edgeColor,
        mutedText: props.mutedText,
      })
      if (item.current !== null) placeNode(item.current, model, view, current)
    }, [
      readViewport,
      model,
      current,
      props.coloring,
      props.frameMask,
      props.markedFrame,
      props.edgeColor,
      props.mutedText,
      props.fontFamily,
    ])
    const latestDraw = useRef(draw)
    latestDraw.current = draw

    /** Fits the scrolled height to the picture and puts the window where it belongs. */
    const layOut = useCallback(() => {
      const before = readViewport()
      if (
        before === undefined ||
        spacer.current === null ||
        pane.current === null ||
        scroller.current === null
      )
        return
      spacer.current.style.height = `${cssContentHeight(before)}px`
      pane.current.style.height = `${before.cssHeight}px`
      const view = readViewport() ?? before // a scrollbar may have come or gone
      const key = `${orientation} ${model.depth[zoom]} ${zoom === 0 ? '' : model.frames.name[model.frame[zoom]!]}`
      if (place.current.key !== key) {
        place.current = { key, cssFromBase: fromBase(view, scrollToBase(view, model.depth[zoom] ?? 0)) }
      }
      scroller.current.scrollTop = clampScroll(view, fromBase(view, place.current.cssFromBase))
    }, [readViewport, model, zoom, orientation])
    const latestLayOut = useRef(layOut)
    latestLayOut.current = layOut

    useLayoutEffect(() => layOut(), [layOut])
    useLayoutEffect(() => draw(), [draw])

    useEffect(() => {
      const element = scroller.current
      if (element === null) return
      const observer = new ResizeObserver(() => {
        latestLayOut.current()
        latestDraw.current()
      })
      observer.observe(element)
      const stopRatio = watchRatio(() => latestDraw.current())
      let isGone = false
      document.fonts?.ready.then(() => {
        if (isGone) return
        painter.current = undefined // widths measured with a stand-in font are worth nothing
        latestDraw.current()
      })
      return () => {
        isGone = true
        observer.disconnect()
        stopRatio()
        painter.current = undefined
      }
    }, [])

    const onScroll = () => {
      const view = readViewport()
      if (view !== undefined) place.current.cssFromBase = fromBase(view, view.cssScrollTop)
      setHover(undefined)
      draw()
    }

    const find = (event: React.MouseEvent): Hit | undefined => {
      const view = viewport.current
      const bounds = pane.current?.getBoundingClientRect()
      if (view === undefined || bounds === undefined) return undefined
      const point = { cssX: event.clientX - bounds.left, cssY: event.clientY - bounds.top }
      return hitTest(model.boxes, view, point, scratch)
    }
    const onMouseMove = (event: React.MouseEvent) => {
      const hit = find(event)
      setHover(hit === undefined ? undefined : { hit, clientX: event.clientX, clientY: event.clientY, model })
      const view = viewport.current
      if (hoverBox.current === null || view === undefined || hit === undefined) return
      const node = hit.kind === 'box' ? hit.node : hit.firstNode
      placeBox(hoverBox.current, view, model.depth[node]!, {
        deviceLeft: scratch.deviceLeft[hit.piece]!,
        deviceRight: scratch.deviceRight[hit.piece]!,
      })
    }
    const onClick = (event: React.MouseEvent) => {
      const hit = find(event)
      if (hit !== undefined) props.onClick(hit, event.detail === 2)
    }

    useImperativeHandle(
      handle,
      () => ({
        focus: () => scroller.current?.focus({ preventScroll: true }),
        hasFocus: () => scroller.current !== null && scroller.current === document.activeElement,
        walk: (node, direction) =>
          viewport.current === undefined ? node : walk(model, viewport.current, node, direction, scratch),
        reveal: (node) => {
          const view = readViewport()
          if (view === undefined || scroller.current === null) return
          scroller.current.scrollTop = scrollIntoView(view, model.depth[node]!)
        },
      }),
      [model, readViewport, scratch],
    )

    const isHovering = hover !== undefined && hover.model === model
    const family = siblings(model, current)
    return (
      <div
        ref={scroller}
        className={styles.tree}
        role="tree"
        tabIndex={0}
        aria-label={
          model.isInverted ? 'Iceberg graph' : model.diff === undefined ? 'Flame graph' : 'Diff flame graph'
        }
        aria-activedescendant={`${id}-current`}
        onScroll={onScroll}
      >
        <div ref={spacer} role="none">
          <div
            ref={pane}
            role="none"
            className={styles.window}
            onMouseMove={onMouseMove}
            onMouseLeave={() => setHover(undefined)}
            onClick={onClick}
          >
            <canvas ref={canvas} className={styles.canvas} />
            <div
              ref={hoverBox}
              role="none"
              className={styles.hover}
              style={{ display: isHovering ? 'block' : 'none' }}
            />
            {/* biome-ignore lint/a11y/useFocusableInteractive: focus stays on the tree, which points here. */}
            <div
              ref={item}
              id={`${id}-current`}
              className={styles.current}
              role="treeitem"
              aria-selected="true"
              aria-label={describeNode(model, current, props.format)}
              aria-level={model.depth[current]! + 1}
              aria-setsize={family.size}
              aria-posinset={family.position}
              {...(model.boxes.subtreeEnd[current]! > current + 1 ? { 'aria-expanded': true } : {})}
            />
          </div>
        </div>
        {isHovering && (
          <Tooltip
            model={model}
            hit={hover.hit}
            zoom={zoom}
            clientX={hover.clientX}
            clientY={hover.clientY}
            format={props.format}
            styles={styles}
          />
        )}
      </div>
    )
  },
)

/** Turns a scroll position into a distance from the picture's base, and back: it is its own inverse. */
const fromBase = (view: Viewport, css: number): number =>
  view.orientation === 'flame' ? cssContentHeight(view) - view.cssHeight - css : css

/** Puts a DOM box over the box of a node, wherever it is painted. */
function placeNode(element: HTMLElement, model: GraphModel, view: Viewport, node: number): void {
  const { start, width } = model.boxes
  const scale = Math.round(view.cssWidth * view.ratio) / (view.unitRight - view.unitLeft)
  const clamp = (unit: number) =>
    Math.round((Math.min(Math.max(unit, view.unitLeft), view.unitRight) - view.unitLeft) * scale)
  placeBox(element, view, model.depth[node]!, {
    deviceLeft: clamp(start[node]!),
    deviceRight: clamp(start[node]! + width[node]!),
  })
}

function placeBox(
  element: HTMLElement,
  view: Viewport,
  level: number,
  edges: { readonly deviceLeft: number; readonly deviceRight: number },
): void {
  const cssWidth = Math.max(1, (edges.deviceRight - edges.deviceLeft - 1) / view.ratio)
  element.style.left = `${edges.deviceLeft / view.ratio}px`
  element.style.width = `${cssWidth}px`
  element.style.top = `${Math.round(cssLevelTop(view, level) * view.ratio) / view.ratio}px`
  element.style.height = `${view.cssRowHeight - 1 / view.ratio}px`
}

/** Position among the children of one parent, 1-based, and their number. O(siblings). */
function siblings(model: GraphModel, node: number): { readonly position: number; readonly size: number } {
  const { parent, subtreeEnd } = model.boxes
  const up = parent[node]!
  if (up < 0) return { position: 1, size: 1 }
  let size = 0
  let position = 1
  for (let child = up + 1; child < subtreeEnd[up]!; child = subtreeEnd[child]!) {
    size++
    if (child === node) position = size
  }
  return { position, size }
}

/** Calls back when the window comes to a screen of another pixel density. */
function watchRatio(onChange: () => void): () => void {
  let query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`)
  const listen = () => {
    query.removeEventListener('change', listen)
    query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`)
    query.addEventListener('change', listen)
    onChange()
  }
  query.addEventListener('change', listen)
  return () => query.removeEventListener('change', listen)
}
