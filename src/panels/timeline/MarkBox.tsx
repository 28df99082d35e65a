// How is a marked range seen and moved? A shade over the plot with a handle at both ends: by the pointer, or by keys. What
// it moves to is said when the button, or the key, is let go.

import { css } from '@emotion/css'
import type { GrafanaTheme2 } from '@grafana/data'
import { useTheme2 } from '@grafana/ui'
import React, { type KeyboardEvent, type PointerEvent, useCallback, useMemo, useState } from 'react'
import { themeColors } from '../../flamegraph/theme-colors.ts'
import { type Mark, type MarkKind, moveEnd, type Span } from './brush.ts'
import { momentAt, unitX } from './strip-shape.ts'
import { markColor } from './styles.ts'

export interface MarkBoxProps {
  readonly mark: Mark
  /** What the plot shows from edge to edge. */
  readonly chart: Span
  /** Where the plot stands on the screen now. */
  readonly cssBounds: () => { readonly left: number; readonly width: number }
  readonly printMoment: (ms: number) => string
  readonly onMark: (mark: Mark) => void
  /** Where its name stands. */
  readonly nameAt: 'top' | 'bottom'
}

const STEP_MS = 10_000 // what agents add samples up over
const NAMES: Readonly<Record<MarkKind, string>> = {
  graph: 'the graph',
  baseline: 'the baseline',
  comparison: 'the comparison',
}

export function MarkBox(props: MarkBoxProps) {
  const { mark, chart, cssBounds, printMoment, onMark, nameAt } = props
  const theme = useTheme2()
  const styles = useMemo(() => stylesOf(theme), [theme])
  const color = markColor(theme, mark.kind)
  const [moved, setMoved] = useState<Span>()
  const span = moved ?? mark.span
  const left = unitX(span.fromMs, chart) * 100
  const width = unitX(span.toMs, chart) * 100 - left
  if (span.toMs <= chart.fromMs || span.fromMs >= chart.toMs) return null
  const pointed = (cssX: number) => {
    const bounds = cssBounds()
    return momentAt((cssX - bounds.left) / bounds.width, chart)
  }
  const drop = () => {
    setMoved(undefined)
    if (moved !== undefined) onMark({ ...mark, span: moved })
  }
  const handle = (end: keyof Span) => (
    <Handle
      name={`${end === 'fromMs' ? 'Start' : 'End'} of ${NAMES[mark.kind]}`}
      className={end === 'fromMs' ? styles.start : styles.end}
      valueMs={span[end]}
      chart={chart}
      color={color}
      text={printMoment(span[end])}
      onMove={(toMs) => setMoved(moveEnd(span, end, toMs, chart))}
      onDrag={(cssX) => setMoved(moveEnd(span, end, pointed(cssX), chart))}
      onDrop={drop}
      onCancel={() => setMoved(undefined)}
    />
  )
  const style = { left: `${left}%`, width: `${width}%`, borderColor: color }
  return (
    <div className={styles.mark} style={style} data-testid={`flametrail-mark-${mark.kind}`}>
      <div className={styles.shade} style={{ background: color }} />
      {mark.kind === 'graph' ? null : (
        <span className={`${styles.name} ${nameAt === 'top' ? styles.top : styles.bottom}`}>{mark.kind}</span>
      )}
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
  readonly text: string
  /** By a key, to a moment. */
  readonly onMove: (toMs: number) => void
  readonly onDrag: (cssX: number) => void
  /** Pointer or key let go. */
  readonly onDrop: () => void
  readonly onCancel: () => void
}

function Handle(props: HandleProps) {
  const { name, className, valueMs, chart, color, text, onMove, onDrag, onDrop, onCancel } = props
  // A plot below may listen on its own element: a press on a handle begins no stroke there.
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
    if (moved === undefined || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    event.stopPropagation()
    onMove(moved)
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
      aria-valuetext={text}
      onKeyDown={press}
      onKeyUp={onDrop}
      onBlur={onDrop}
      onPointerDown={(event) => {
        event.stopPropagation()
        event.currentTarget.setPointerCapture(event.pointerId)
      }}
      onPointerMove={(event) => {
        if (isHeld(event)) onDrag(event.clientX)
      }}
      onPointerUp={onDrop}
      onPointerCancel={onCancel}
    />
  )
}

function stylesOf(theme: GrafanaTheme2) {
  const { text } = themeColors(theme)
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
    '&:focus-visible': { outline: `2px solid ${text.primary}` },
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
      left: 10,
      right: 8,
      overflow: 'hidden',
      fontSize: 11,
      lineHeight: '14px',
      color: text.primary,
    }),
    top: css({ top: 1 }),
    bottom: css({ bottom: 1 }),
    start: `${handle} ${css({ left: -4 })}`,
    end: `${handle} ${css({ right: -4 })}`,
  }
}
