// What is marked, in words, and how does one get rid of it? The line below the strip.
import type { GrafanaTheme2 } from '@grafana/data'
import React from 'react'
import { type PrintTime, rangeText } from '../../flamegraph/facts.ts'
import type { Mark, MarkKind, Span } from './brush.ts'
import { markColor, type StripStyles } from './styles.ts'

export interface StripWordsProps {
  /** Of the strip: what it shows on one day need not be said with the day. */
  readonly chart: Span
  readonly marks: readonly Mark[]
  readonly isDiff: boolean
  /** A stroke under way: its range stands in the line while it grows. */
  readonly drawn: Span | undefined
  /** The marked part has taken long to come. */
  readonly isSlow: boolean
  /** A mark without a stroke; `isShift` as of one. */
  readonly onBegin: (isShift: boolean) => void
  readonly onClear: (kind: MarkKind) => void
  readonly printTime: PrintTime
  readonly theme: GrafanaTheme2
  readonly styles: StripStyles
}

const TITLES: Readonly<Record<MarkKind, string>> = {
  graph: 'Graph',
  baseline: 'Baseline',
  comparison: 'Comparison',
}

export function StripWords(props: StripWordsProps) {
  const { chart, marks, isDiff, drawn, isSlow, onBegin, onClear, printTime, theme, styles } = props
  const kinds: readonly MarkKind[] = isDiff ? ['baseline', 'comparison'] : ['graph', 'comparison']
  const missing = kinds.filter((kind) => !marks.some((mark) => mark.kind === kind))
  const range = (span: Span) => shortRange(span, chart, printTime)
  return (
    <div className={styles.line} role="status" data-testid="flametrail-strip-words">
      {marks.map(({ kind, span }) => (
        <span className={styles.chip} key={kind}>
          <span className={styles.dot} style={{ background: markColor(theme, kind) }} />
          <span className={styles.words} title={rangeText(span.fromMs, span.toMs, printTime)}>
            {TITLES[kind]} {range(span)}
          </span>
          <button
            type="button"
            className={styles.clear}
            aria-label={`Clear the range: ${TITLES[kind]}`}
            title={`Clear the range: ${TITLES[kind]}`}
            onClick={() => onClear(kind)}
          >
            ×
          </button>
        </span>
      ))}
      <span className={styles.hint}>
        {drawn !== undefined
          ? range(drawn)
          : isSlow
            ? 'Reading this range …'
            : hintOf(isDiff, marks.length > 0)}
      </span>
      <span className={styles.spring} />
      {missing.map((kind) => (
        <button
          key={kind}
          type="button"
          className={styles.begin}
          title={BEGIN[kind].says}
          onClick={() => onBegin(kind === 'comparison')}
        >
          {isDiff ? TITLES[kind] : BEGIN[kind].word}
        </button>
      ))}
    </div>
  )
}

/** The button that makes a mark where none of its kind is. */
const BEGIN: Readonly<Record<MarkKind, { readonly word: string; readonly says: string }>> = {
  graph: { word: 'Mark', says: 'Show a part of the strip; arrow keys move its ends' },
  baseline: { word: 'Baseline', says: 'Mark a baseline; arrow keys move its ends' },
  comparison: {
    word: 'Compare',
    says: 'Mark a part to compare with what is shown; arrow keys move its ends',
  },
}

function hintOf(isDiff: boolean, hasMark: boolean): string {
  if (isDiff) return 'Drag for the baseline, with Shift for the comparison.'
  if (hasMark) return 'Drag with Shift for a second range to compare with this one.'
  return 'Drag over the strip for a part of it; with Shift, to compare a part with what is shown.'
}

/** A range in the strip: by the clock alone where all of the strip is one day. */
function shortRange(span: Span, chart: Span, printTime: PrintTime): string {
  const days = [chart, span].flatMap(({ fromMs, toMs }) =>
    [fromMs, toMs].map((ms) => printTime(ms, 'YYYY-MM-DD')),
  )
  if (days.some((day) => day !== days[0])) return rangeText(span.fromMs, span.toMs, printTime)
  return `${printTime(span.fromMs, 'HH:mm:ss')} to ${printTime(span.toMs, 'HH:mm:ss')}`
}
