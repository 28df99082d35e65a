// Which ranges are marked in the chart, and how are they moved? A shade over the plot for each, with a handle at both
// ends: by the pointer, or by the arrow keys.

import { css } from '@emotion/css'
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data'
import { type UPlotConfigBuilder, useStyles2, useTheme2 } from '@grafana/ui'
import React, { type KeyboardEvent, type PointerEvent, useCallback, useLayoutEffect, useState } from 'react'
import { createPortal } from 'react-dom'
import { type Mark, type MarkKind, moveEnd, type Span } from './brush.ts'

export interface ChartMarksProps {
  readonly config: UPlotConfigBuilder
  /** What the chart shows from edge to edge. */
  readonly chart: Span
  readonly marks: readonly Mark[]
  readonly onMark: (mark: Mark) => void
}

const STEP_MS = 10_000 // what agents add samples up over
const NAMES: Readonly<Record<MarkKind, string>> = {
  graph: 'the graph',
  baseline: 'the baseline',
  comparison: 'the comparison',
}

export const markColor = (theme: GrafanaTheme2, kind: MarkKind): string =>
  ({ graph: theme.colors.primary!.main!, baseline: '#5e9bd1', comparison: '#e66101' })[kind]

export function ChartMarks({ config, chart, marks, onMark }: ChartMarksProps) {
  const [over, setOver] = useState<HTMLElement>()
  // The plot is made after its children's effects: whoever adds a hook here is heard.
  useLayoutEffect(() => {
    config.addHook('init', (plot) => setOver(plot.over))
  }, [config])
  if (over === undefined) return null
  const shown = marks.filter(({ span }) => span.toMs > chart.fromMs && span.fromMs < chart.toMs)
  return createPortal(
    shown.map((mark) => <MarkBox key={mark.kind} {...{ mark, chart, over, onMark }} />),
    over,
  )
}

interface MarkBoxProps {
  readonly mark: Mark
  readonly chart: Span
  readonly over: HTMLElement
  readonly onMark: (mark: Mark) => void
}

function MarkBox({ mark, chart, over, onMark }: MarkBoxProps) {
  const styles = useStyles2(stylesOf)
  const color = markColor(useTheme2(), mark.kind)
  const [dragged, setDragged] = useState<Span>()
  const span = dragged ?? mark.span
  const percent = (ms: number) =>
    Math.min(100, Math.max(0, ((ms - chart.fromMs) / (chart.toMs - chart.fromMs)) * 100))
  const left = percent(span.fromMs)
  const style = { left: `${left}%`, width: `${percent(span.toMs) - left}%`, borderColor: color }
  const momentAt = (cssX: number) => {
    const { left: cssLeft, width } = over.getBoundingClientRect()
    return chart.fromMs + ((cssX - cssLeft) / width) * (chart.toMs - chart.fromMs)
  }
  const handle = (end: keyof Span) => (
    <Handle
      name={`${end === 'fromMs' ? 'Start' : 'End'} of ${NAMES[mark.kind]}`}
      className={end === 'fromMs' ? styles.start : styles.end}
      valueMs={span[end]}
      chart={chart}
      color={color}
      onKey={(toMs) => onMark({ ...mark, span: moveEnd(span, end, toMs, chart) })}
      onDrag={(cssX) => setDragged(moveEnd(span, end, momentAt(cssX), chart))}
      onDrop={() => {
        setDragged(undefined)
        if (dragged !== undefined) onMark({ ...mark, span: dragged })
      }}
    />
  )
  return (
    <div className={styles.mark} style={style} data-testid={`flametrail-mark-${mark.kind}`}>
      <div className={styles.shade} style={{ background: color }} />
      {mark.kind === 'graph' ? null : <span className={styles.name}>{mark.kind}</span>}
      {handle('fromMs')}
      {handle('toMs')}
    </div>
  )
}

interface HandleProps {
  readonly name: string
  readonly className: string
  readonly valueMs: number
  readonly chart: Span
  readonly color: string
  readonly onKey: (toMs: number) => void
  readonly onDrag: (cssX: number) => void
  readonly onDrop: () => void
}

function Handle({ name, className, valueMs, chart, color, onKey, onDrag, onDrop }: HandleProps) {
  // The plot below listens on its own element: a press on a handle begins no stroke there.
  const quiet = useCallback((element: HTMLElement | null) => {
    element?.addEventListener('mousedown', (event) => event.stopPropagation())
  }, [])
  const press = (event: KeyboardEvent) => {
    const stepMs = event.shiftKey ? (chart.toMs - chart.fromMs) / 20 : STEP_MS
    const moved = {
      ArrowLeft: valueMs - stepMs,
      ArrowDown: valueMs - stepMs,
      ArrowRight: valueMs + stepMs,
      ArrowUp: valueMs + stepMs,
      Home: chart.fromMs,
      End: chart.toMs,
    }[event.key]
    if (moved === undefined) return
    event.preventDefault()
    onKey(moved)
  }
  const isHeld = (event: PointerEvent) => event.currentTarget.hasPointerCapture(event.pointerId)
  return (
    <div
      ref={quiet}
      className={className}
      style={{ background: color }}
      role="slider"
      tabIndex={0}
      aria-label={name}
      aria-valuemin={chart.fromMs}
      aria-valuemax={chart.toMs}
      aria-valuenow={valueMs}
      aria-valuetext={dateTimeFormat(valueMs, { timeZone: 'browser' })}
      onKeyDown={press}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (isHeld(event)) onDrag(event.clientX)
      }}
      onPointerUp={onDrop}
    />
  )
}

const stylesOf = (theme: GrafanaTheme2) => {
  const handle = css({
    position: 'absolute',
    top: 0,
    bottom: 0,
    width: 7,
    opacity: 0.75,
    cursor: 'ew-resize',
    pointerEvents: 'auto',
    touchAction: 'none',
    '&:hover, &:focus-visible': { opacity: 1 },
    '&:focus-visible': { outline: `2px solid ${theme.colors.text!.primary}` },
  })
  return {
    mark: css({
      position: 'absolute',
      top: 0,
      bottom: 0,
      zIndex: 1,
      pointerEvents: 'none',
      borderStyle: 'solid',
      borderWidth: '0 1px',
    }),
    shade: css({ position: 'absolute', inset: 0, opacity: 0.16 }),
    name: css({
      position: 'absolute',
      top: 1,
      left: 10,
      right: 8,
      overflow: 'hidden',
      fontSize: 11,
      lineHeight: '14px',
      color: theme.colors.text!.primary,
    }),
    start: `${handle} ${css({ left: -4 })}`,
    end: `${handle} ${css({ right: -4 })}`,
  }
}
