// Which part of the chart does the graph show? In words, each range with its own times, and a way to be rid of it.

import { css } from '@emotion/css'
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data'
import { IconButton, useStyles2, useTheme2 } from '@grafana/ui'
import React from 'react'
import { rangeText } from '../../src/flamegraph/facts.ts'
import type { Mark, MarkKind, Span } from '../../src/panels/timeline/brush.ts'
import { markColor } from '../../src/panels/timeline/styles.ts'
import { chipStyle } from './chip-style.ts'
import type { View } from './url-state.ts'

export interface RangeChipsProps {
  readonly view: View
  readonly marks: readonly Mark[]
  readonly onClear: (kind: MarkKind) => void
  /** Gives the chart this range, too. */
  readonly onZoom: (span: Span) => void
}

const TITLES: Readonly<Record<MarkKind, string>> = {
  graph: 'Graph',
  baseline: 'Baseline',
  comparison: 'Comparison',
}

export function RangeChips({ view, marks, onClear, onZoom }: RangeChipsProps) {
  const theme = useTheme2()
  const styles = useStyles2(stylesOf)
  return (
    <div className={styles.line} data-testid="flametrail-ranges">
      {marks.map(({ kind, span }) => (
        <span className={styles.chip} key={kind}>
          <span className={styles.dot} style={{ background: markColor(theme, kind) }} />
          {TITLES[kind]} {rangeText(span.fromMs, span.toMs, printTime)}
          {kind !== 'graph' ? null : (
            <IconButton
              name="search-plus"
              size="sm"
              tooltip="Give the chart this range"
              onClick={() => onZoom(span)}
            />
          )}
          <IconButton
            name="times"
            size="sm"
            tooltip={`Clear the range: ${TITLES[kind]}`}
            onClick={() => onClear(kind)}
          />
        </span>
      ))}
      <span className={styles.hint}>{hintOf(view, marks.length > 0)}</span>
    </div>
  )
}

function hintOf(view: View, hasMark: boolean): string {
  if (view === 'diff') return 'Drag over the chart for the baseline, with Shift for the comparison.'
  if (hasMark) return 'Drag with Shift for a second range to compare with this one.'
  return 'Drag over the chart to see a part of it in the graph; a second drag, with Shift, compares the two.'
}

const printTime = (ms: number, format: string) => dateTimeFormat(ms, { timeZone: 'browser', format })

const stylesOf = (theme: GrafanaTheme2) => ({
  line: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1),
    minHeight: 24,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  chip: chipStyle(theme),
  dot: css({ width: 10, height: 10, borderRadius: 2 }),
  hint: css({ color: theme.colors.text!.secondary }),
})
