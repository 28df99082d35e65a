// The strip: how the query went over time, what is marked of it, and strokes that mark. It knows no query: a series and
// marks come in, strokes go out.
import type { GrafanaTheme2 } from '@grafana/data'
import React from 'react'
import { type PrintTime, rangeText } from '../../flamegraph/facts.ts'
import { themeColors } from '../../flamegraph/theme-colors.ts'
import { type MarkKind, type Span, strokeKind } from './brush.ts'
import { MarkBox } from './MarkBox.tsx'
import { StripWords } from './StripWords.tsx'
import { rateText, type StripSeries, valueAt } from './series.ts'
import { paintStrip } from './strip-canvas.ts'
import { momentAt, spanBetween, stripRuns, thirdFor, unitX } from './strip-shape.ts'
import { CSS_BAND_HEIGHT, CSS_PLOT_HEIGHT, cssErrorHeight, markColor, type StripStyles } from './styles.ts'
import type { Timeline } from './use-timeline.ts'

export interface StripProps {
  readonly timeline: Timeline
  readonly cssWidth: number
  readonly theme: GrafanaTheme2
  readonly printTime: PrintTime
  readonly styles: StripStyles
}

/** A stroke under way. */
interface Stroke {
  readonly startMs: number
  readonly startCssX: number
  readonly isShift: boolean
  readonly nowMs: number
  /** Far enough from where it began to be no click. */
  readonly isDrawn: boolean
}
const CSS_LEAST_STROKE = 3

export function Strip({ timeline, cssWidth, theme, printTime, styles }: StripProps) {
  const { chart, isDiff, series, marks, markedAnswer } = timeline
  const plot = React.useRef<HTMLDivElement>(null)
  const [stroke, setStroke] = React.useState<Stroke>()
  const [pointedMs, setPointed] = React.useState<number>()
  const root = React.useRef<HTMLElement>(null)
  const focusNext = React.useRef<MarkKind | 'words' | undefined>(undefined)

  // A mark that keys made is moved by keys next; a button that took one away goes with it, and its neighbour is at hand.
  React.useLayoutEffect(() => {
    const next = focusNext.current
    if (next === undefined) return
    focusNext.current = undefined
    const [place, what] = next === 'words' ? ['strip-words', 'button'] : [`mark-${next}`, '[role="slider"]']
    root.current?.querySelector<HTMLElement>(`[data-testid="flametrail-${place}"] ${what}`)?.focus()
  })

  const momentOf = ({ clientX }: React.PointerEvent) => {
    const { left, width } = plot.current!.getBoundingClientRect()
    return momentAt((clientX - left) / width, chart)
  }
  const drawn = stroke?.isDrawn === true ? spanBetween(stroke.startMs, stroke.nowMs) : undefined
  const finish = () => {
    setStroke(undefined)
    if (stroke !== undefined && drawn !== undefined) timeline.stroke(drawn, stroke.isShift)
  }
  // Esc while a stroke is under way takes only the stroke back; the button that drags has no focus of its own.
  const isStroking = stroke !== undefined
  React.useEffect(() => {
    if (!isStroking) return
    const listen = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return
      setStroke(undefined)
      event.preventDefault()
      event.stopPropagation()
    }
    window.addEventListener('keydown', listen, { capture: true })
    return () => window.removeEventListener('keydown', listen, { capture: true })
  }, [isStroking])
  /** A mark without a stroke: for keys, and for hands without a Shift. */
  const begin = (isShift: boolean) => {
    const kind = strokeKind({ isDiff }, isShift)
    focusNext.current = kind
    timeline.stroke(thirdFor(kind, chart), isShift)
  }
  return (
    <section
      ref={root}
      className={styles.strip}
      aria-label={labelOf(timeline, printTime)}
      data-testid="flametrail-strip"
    >
      <div
        ref={plot}
        className={styles.plot}
        role="none"
        data-testid="flametrail-strip-plot"
        onPointerDown={(event) => {
          if (event.button !== 0 || !event.isPrimary) return
          event.currentTarget.setPointerCapture(event.pointerId)
          const startMs = momentOf(event)
          const { clientX: startCssX, shiftKey: isShift } = event
          setStroke({ startMs, startCssX, isShift, nowMs: startMs, isDrawn: false })
        }}
        onPointerMove={(event) => {
          const nowMs = momentOf(event)
          setPointed(nowMs)
          if (stroke === undefined) return
          const isDrawn = stroke.isDrawn || Math.abs(event.clientX - stroke.startCssX) >= CSS_LEAST_STROKE
          setStroke({ ...stroke, nowMs, isDrawn })
        }}
        onPointerUp={finish}
        onPointerCancel={() => setStroke(undefined)}
        onPointerLeave={() => setPointed(undefined)}
      >
        <Curve series={series} chart={chart} cssWidth={cssWidth} theme={theme} styles={styles} />
        {pointedMs === undefined || series === undefined ? null : (
          <div className={styles.cursor} style={{ left: `${unitX(pointedMs, chart) * 100}%` }} />
        )}
        {marks.map((mark) => (
          <MarkBox
            key={mark.kind}
            mark={mark}
            chart={chart}
            cssBounds={() => plot.current!.getBoundingClientRect()}
            printMoment={(ms) => printTime(ms, 'YYYY-MM-DD HH:mm:ss')}
            onMark={timeline.mark}
            nameAt="bottom"
          />
        ))}
        {drawn === undefined ? null : (
          <div
            className={styles.stroke}
            style={{
              left: `${unitX(drawn.fromMs, chart) * 100}%`,
              width: `${(unitX(drawn.toMs, chart) - unitX(drawn.fromMs, chart)) * 100}%`,
              background: markColor(theme, strokeKind({ isDiff }, stroke?.isShift === true)),
            }}
          />
        )}
        <div className={styles.band}>
          <span>{series === undefined ? '' : `max ${rateText(series.max, series.unit)}`}</span>
          <span data-testid="flametrail-strip-readout">
            {pointedMs === undefined || series === undefined
              ? rangeText(chart.fromMs, chart.toMs, printTime)
              : pointedText(series, pointedMs, printTime)}
          </span>
        </div>
        <Middle timeline={timeline} styles={styles} />
      </div>
      <StripWords
        chart={chart}
        marks={marks}
        isDiff={isDiff}
        drawn={drawn}
        isSlow={markedAnswer.isSlow}
        onBegin={begin}
        onClear={(kind) => {
          focusNext.current = 'words'
          timeline.clear(kind)
        }}
        printTime={printTime}
        theme={theme}
        styles={styles}
      />
      {markedAnswer.error === undefined ? null : (
        <div
          className={styles.error}
          style={{ height: cssErrorHeight(markedAnswer.error, cssWidth) }}
          role="alert"
          title={markedAnswer.error}
          data-testid="flametrail-strip-error"
        >
          {markedAnswer.error}
        </div>
      )}
    </section>
  )
}

interface CurveProps {
  readonly series: StripSeries | undefined
  readonly chart: Span
  readonly cssWidth: number
  readonly theme: GrafanaTheme2
  readonly styles: StripStyles
}

/** The series itself: drawn anew when it, the width, the theme or the screen changes, never for a pointer. */
const Curve = React.memo(function Curve({ series, chart, cssWidth, theme, styles }: CurveProps) {
  const canvas = React.useRef<HTMLCanvasElement>(null)
  const ratio = useRatio()
  const runs = React.useMemo(() => (series === undefined ? [] : stripRuns(series, chart)), [series, chart])
  React.useLayoutEffect(() => {
    if (canvas.current === null) return
    const [first = 'green'] = theme.visualization.palette
    paintStrip(canvas.current, {
      runs,
      cssWidth,
      cssHeight: CSS_PLOT_HEIGHT,
      cssTop: CSS_BAND_HEIGHT + 1,
      ratio,
      color: theme.visualization.getColorByName(first),
      lineColor: themeColors(theme).border.weak,
    })
  }, [runs, cssWidth, ratio, theme])
  return <canvas ref={canvas} className={styles.canvas} />
})

/** Device pixels per CSS pixel; another one when the window moves to another screen. */
function useRatio(): number {
  const [ratio, setRatio] = React.useState(() => window.devicePixelRatio || 1)
  React.useEffect(() => {
    const query = window.matchMedia(`(resolution: ${ratio}dppx)`)
    const listen = () => setRatio(window.devicePixelRatio || 1)
    query.addEventListener('change', listen)
    return () => query.removeEventListener('change', listen)
  }, [ratio])
  return ratio
}

/** What stands in the place of a curve that is not there. */
function Middle({ timeline, styles }: { readonly timeline: Timeline; readonly styles: StripStyles }) {
  const { series, seriesAnswer } = timeline
  const text =
    seriesAnswer.error ??
    (seriesAnswer.isSlow
      ? 'Reading the series …'
      : series === undefined && !seriesAnswer.isAsking
        ? 'No series in this range.'
        : '')
  return text === '' ? null : (
    <div className={styles.middle} role="status" data-testid="flametrail-strip-sentence">
      {text}
    </div>
  )
}

function pointedText(series: StripSeries, moment: number, printTime: PrintTime): string {
  const value = valueAt(series, moment)
  const rate = typeof value === 'number' ? rateText(value, series.unit) : 'nobody reported'
  return `${printTime(moment, 'HH:mm:ss')}  ${rate}`
}

function labelOf({ chart, series }: Timeline, printTime: PrintTime): string {
  const largest = series === undefined ? '' : `, at most ${rateText(series.max, series.unit)}`
  return `Over time, ${rangeText(chart.fromMs, chart.toMs, printTime)}${largest}`
}
