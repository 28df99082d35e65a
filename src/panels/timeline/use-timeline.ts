// What does the strip know, and what does it change in the panel? Its marks live here; what they ask takes the place of the
// panel's own frames until they are cleared, or until another query or another range comes from outside.
import type { DataFrame } from '@grafana/data'
import React from 'react'
import { afterStroke, type Brushed, type Mark, type MarkKind, marksOf, type Span, withMark } from './brush.ts'
import { cleared, keptMarks, markedQuestion, nothingMarked, seriesQuestion } from './question.ts'
import { broughtSeries, type StripSeries, seriesOf } from './series.ts'
import { type StripSource, stripSource } from './strip-source.ts'
import { type Answered, useAnswer } from './use-answer.ts'

export interface Timeline {
  readonly chart: Span
  readonly isDiff: boolean
  readonly series: StripSeries | undefined
  /** How the series came, where it was asked for. */
  readonly seriesAnswer: Answered
  readonly marks: readonly Mark[]
  /** How the marked part came. */
  readonly markedAnswer: Answered
  readonly stroke: (span: Span, isShift: boolean) => void
  readonly mark: (mark: Mark) => void
  readonly clear: (kind: MarkKind) => void
  readonly clearAll: () => void
}

export interface TimelineInput {
  /** Off: nothing is asked. */
  readonly isOn: boolean
  /** The panel's own frames. */
  readonly series: readonly DataFrame[]
  /** What the panel makes of them: a diff, another tree, or nothing (undefined). */
  readonly isDiff: boolean | undefined
  readonly cssWidth: number
}

/** out  a sentence where the frames are not ours to ask about; undefined where there is nothing to have a strip for */
export function useTimeline(input: TimelineInput): Timeline | { readonly sentence: string } | undefined {
  const { isOn, series, isDiff, cssWidth } = input
  const read = React.useMemo(
    () => (isOn && isDiff !== undefined && cssWidth > 0 ? stripSource(series, isDiff) : undefined),
    [isOn, series, isDiff, cssWidth > 0],
  )
  const source = read?.ok === true ? read.value : undefined
  const [brushed, setBrushed] = useMarks(source)
  const brought = React.useMemo(
    () => (source === undefined ? undefined : broughtSeries(series, source.query.refId)),
    [series, source],
  )
  const points = pointsOf(cssWidth)
  const forSeries = source === undefined || brought !== undefined ? undefined : seriesQuestion(source)
  const seriesAnswer = useAnswer(forSeries, 'series', points)
  const markedAnswer = useAnswer(
    source === undefined ? undefined : markedQuestion(source, brushed),
    'marked',
    TREE_POINTS,
  )
  const asked = React.useMemo(() => seriesOf(seriesAnswer.frames ?? []), [seriesAnswer.frames])
  if (read?.ok === false) return { sentence: read.error.message }
  if (source === undefined) return undefined
  return {
    chart: source.chart,
    isDiff: brushed.isDiff,
    series: brought ?? asked,
    seriesAnswer,
    marks: marksOf(brushed),
    markedAnswer,
    stroke: (span, isShift) => setBrushed(afterStroke(brushed, span, isShift)),
    mark: (mark) => setBrushed(withMark(brushed, mark)),
    clear: (kind) => setBrushed(cleared(source, brushed, kind)),
    clearAll: () => setBrushed(nothingMarked(source)),
  }
}

/** A tree has no points over time: it is not asked anew when the panel changes its width. */
const TREE_POINTS = 1_000
const CSS_POINT = 3 // a step is to be seen as one

/** In steps of a hundred pixels: dragging a panel's edge does not ask anew at every pixel. */
const pointsOf = (cssWidth: number) => Math.max(1, Math.ceil(cssWidth / 100)) * Math.round(100 / CSS_POINT)

/** The marks, which belong to a source: another one may end them. */
function useMarks(source: StripSource | undefined) {
  const [state, setState] = React.useState(() => ({ source, brushed: nothingMarked(source ?? FLAT) }))
  let { brushed } = state
  if (source !== undefined && state.source !== source) {
    brushed =
      state.source === undefined ? nothingMarked(source) : keptMarks(state.source, source, state.brushed)
    setState({ source, brushed }) // while rendering: React starts over with it, nothing stale is painted
  }
  const change = (next: Brushed) => setState({ source: state.source, brushed: next })
  return [brushed, change] as const
}
const FLAT = { isDiff: false }
