// Where do the marked ranges stand in Grafana's chart? Over its plot, which takes them in once it is made.

import { dateTimeFormat } from '@grafana/data'
import type { UPlotConfigBuilder } from '@grafana/ui'
import React, { useLayoutEffect, useState } from 'react'
import { createPortal } from 'react-dom'
import type { Mark, Span } from '../../src/panels/timeline/brush.ts'
import { MarkBox } from '../../src/panels/timeline/MarkBox.tsx'

export interface ChartMarksProps {
  readonly config: UPlotConfigBuilder
  /** What the chart shows from edge to edge. */
  readonly chart: Span
  readonly marks: readonly Mark[]
  readonly onMark: (mark: Mark) => void
}

export function ChartMarks({ config, chart, marks, onMark }: ChartMarksProps) {
  const [over, setOver] = useState<HTMLElement>()
  // The plot is made after its children's effects: whoever adds a hook here is heard.
  useLayoutEffect(() => {
    config.addHook('init', (plot) => setOver(plot.over))
  }, [config])
  if (over === undefined) return null
  const cssBounds = () => over.getBoundingClientRect()
  return createPortal(
    marks.map((mark) => (
      <MarkBox key={mark.kind} {...{ mark, chart, cssBounds, printMoment, onMark }} nameAt="top" />
    )),
    over,
  )
}

const printMoment = (ms: number) => dateTimeFormat(ms, { timeZone: 'browser' })
