// How do strip and graph share a panel? The strip takes what it needs, the graph gets the rest of the height.
import type { GrafanaTheme2 } from '@grafana/data'
import React, { type ReactNode } from 'react'
import type { PrintTime } from '../../flamegraph/facts.ts'
import { Strip } from './Strip.tsx'
import { CSS_LINE_HEIGHT, CSS_PLOT_HEIGHT, cssErrorHeight, type StripStyles } from './styles.ts'
import type { Timeline } from './use-timeline.ts'

export interface WithStripProps {
  readonly strip: Timeline | { readonly sentence: string }
  readonly width: number
  readonly height: number
  readonly theme: GrafanaTheme2
  readonly printTime: PrintTime
  readonly styles: StripStyles
  readonly children: (cssHeight: number) => ReactNode
}

const CSS_GAP = 4

export function WithStrip({ strip, width, height, theme, printTime, styles, children }: WithStripProps) {
  if ('sentence' in strip)
    return (
      <div className={styles.panel}>
        <div className={styles.sentence} role="status" data-testid="flametrail-no-strip">
          {strip.sentence}
        </div>
        {children(height - CSS_LINE_HEIGHT)}
      </div>
    )
  const { marks, markedAnswer, clearAll } = strip
  // Esc goes one step back: what the graph has left of it (search, zoom) before what is marked.
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key !== 'Escape' || marks.length === 0) return
    clearAll()
    event.preventDefault()
    event.stopPropagation()
  }
  const cssError = markedAnswer.error === undefined ? 0 : cssErrorHeight(markedAnswer.error, width)
  const cssStrip = CSS_PLOT_HEIGHT + CSS_LINE_HEIGHT + cssError + CSS_GAP
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys come here from the strip and the graph, which have roles.
    <div className={styles.panel} style={{ gap: CSS_GAP }} onKeyDown={onKeyDown}>
      <Strip timeline={strip} cssWidth={width} {...{ theme, printTime, styles }} />
      <div
        className={markedAnswer.isAsking ? styles.waiting : undefined}
        aria-busy={markedAnswer.isAsking}
        data-testid="flametrail-strip-graph"
      >
        {children(height - cssStrip)}
      </div>
    </div>
  )
}
