// How did it go over time? Grafana's own time series above the graph; a stroke over it chooses the range of the graph.

import { css } from '@emotion/css'
import {
  type DataFrame,
  type Field,
  FieldColorModeId,
  FieldType,
  getDisplayProcessor,
  LoadingState,
  type PanelData,
  type TimeRange,
} from '@grafana/data'
import { TimeSeries, TooltipPlugin2, useTheme2 } from '@grafana/ui'
import React, { useMemo, useRef } from 'react'
import type { Mark, Span } from '../../src/panels/timeline/brush.ts'
import { ChartMarks } from './ChartMarks.tsx'
import { readableAxis, toolTipText } from './chart-text.ts'

export interface SeriesChartProps {
  readonly data: PanelData
  readonly range: TimeRange
  readonly widthCss: number
  readonly heightCss: number
  readonly marks: readonly Mark[]
  readonly onMark: (mark: Mark) => void
  /** A stroke; or a double click, whose span goes beyond the range on both sides. */
  readonly onStroke: (span: Span, isShift: boolean) => void
}

/** TooltipHoverMode.xAll: a const enum that @grafana/ui does not hand out. */
const HOVER_ALL = 1

/** Objects that stay: with a new one the whole plot would be made anew, and a handle in it would lose the focus. */
const LEGEND = { showLegend: true, displayMode: 'list' as never, placement: 'right' as const, calcs: [] }
const NO_LEGEND = { ...LEGEND, showLegend: false }

export function SeriesChart(props: SeriesChartProps) {
  const { data, range, widthCss, heightCss, marks, onMark, onStroke } = props
  // The plot keeps the first listener it gets, and says where a stroke went, not which keys were held.
  const listener = useRef(onStroke)
  listener.current = onStroke
  const isShift = useRef(false)
  const theme = useTheme2()
  const frames = useMemo(() => data.series.map((frame, i) => dressed(frame, i, theme)), [data.series, theme])
  const revision = useRevision(frames)
  const sentence = chartSentence(data)
  if (sentence !== undefined || widthCss === 0) {
    return (
      <div style={{ height: heightCss }} className={middleStyle(theme.colors.text!.secondary!)} role="status">
        {sentence}
      </div>
    )
  }
  const chart = { fromMs: range.from.valueOf(), toMs: range.to.valueOf() }
  return (
    <div
      onMouseDownCapture={(event) => {
        isShift.current = event.shiftKey
      }}
    >
      <TimeSeries
        frames={frames}
        timeRange={range}
        timeZone="browser"
        width={widthCss}
        height={heightCss}
        legend={frames.length > 1 ? LEGEND : NO_LEGEND}
        structureRev={revision}
        tweakAxis={readableAxis}
      >
        {(config, aligned) => {
          // Room for the half of the last moment's text that stands beyond the axis.
          config.setPadding([8, 28, 0, 0])
          return (
            <>
              <ChartMarks {...{ config, chart, marks, onMark }} />
              <TooltipPlugin2
                config={config}
                hoverMode={HOVER_ALL as never}
                queryZoom={({ from, to }) => listener.current({ fromMs: from, toMs: to }, isShift.current)}
                render={(_plot, indexes) => (
                  <div className={tooltipStyle}>
                    {toolTipText(aligned, indexes).map((line, i) => (
                      <div key={i}>{line}</div>
                    ))}
                  </div>
                )}
              />
            </>
          )
        }}
      </TimeSeries>
    </div>
  )
}

function chartSentence(data: PanelData): string | undefined {
  const hasPoints = data.series.some((frame) => frame.length > 0)
  if (data.state === LoadingState.Error) return data.errors?.[0]?.message ?? 'The series could not be read.'
  if (!hasPoints && data.state === LoadingState.Loading) return ''
  return hasPoints ? undefined : 'No series in this range.'
}

/** A number that changes when the chart has other series, not when they have other values. */
function useRevision(frames: readonly DataFrame[]): number {
  const names = JSON.stringify(
    frames.map(({ fields }) => fields.map(({ config }) => [config.displayNameFromDS, config.unit])),
  )
  const last = useRef({ names, revision: 1 })
  if (last.current.names !== names) last.current = { names, revision: last.current.revision + 1 }
  return last.current.revision
}

/** Frames are shared with whoever asked for them: what the chart adds, it adds to copies. */
function dressed(frame: DataFrame, index: number, theme: ReturnType<typeof useTheme2>): DataFrame {
  const palette = theme.visualization.palette
  const fields = frame.fields.map((field): Field => {
    if (field.type === FieldType.time) return { ...field }
    const config = {
      ...field.config,
      color: { mode: FieldColorModeId.Fixed, fixedColor: palette[index % palette.length]! },
      custom: {
        drawStyle: 'line',
        lineWidth: 1.5,
        fillOpacity: 18,
        gradientMode: 'opacity',
        spanNulls: false,
        showPoints: 'auto',
        pointSize: 4,
        axisSoftMin: 0,
        axisPlacement: 'auto',
        hideFrom: { legend: false, tooltip: false, viz: false },
      },
      min: 0,
    }
    const display = getDisplayProcessor({ field: { ...field, config }, theme, timeZone: 'browser' })
    return { ...field, config, display, state: { seriesIndex: index } }
  })
  return { ...frame, fields }
}

const middleStyle = (color: string) =>
  css({ display: 'flex', alignItems: 'center', justifyContent: 'center', color })
const tooltipStyle = css({ padding: 8, fontSize: 12, whiteSpace: 'pre', fontVariantNumeric: 'tabular-nums' })
