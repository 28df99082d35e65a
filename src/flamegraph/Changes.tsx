// What changed, in words first: the functions whose own share moved most. A click finds them in the graph.
import React from 'react'
import { cleanName, shorten } from '#profile/picture/clean-name'
import { DIFF_COLORS, type Palette } from '#profile/picture/colors'
import { changeWord } from '#profile/picture/describe'
import { mark, points } from '#profile/picture/format'
import type { GraphModel } from '#profile/picture/graph-model'
import { type TableRows, topChanges } from './function-rows.ts'
import type { Styles } from './styles.ts'

export interface ChangesProps {
  readonly model: GraphModel
  readonly table: TableRows
  readonly palette: Palette
  readonly onFrame: (frame: number) => void
  readonly styles: Styles
}

export const Changes = React.memo(function Changes({ model, table, palette, onFrame, styles }: ChangesProps) {
  if (table.kind !== 'diff') return null
  const rows = topChanges(model, table)
  const { baseline, comparison } = table
  return (
    <ul className={styles.changes} data-testid="flametrail-changes" aria-label="Largest changes of own share">
      {rows.length === 0 && <li>No function changed its own share by 0.05 points or more.</li>}
      {rows.map((row) => {
        const frame = baseline.frame[row]!
        const change = comparison.selfShare[row]! - baseline.selfShare[row]!
        const word = changeWord(model, baseline.selfShare[row]!, comparison.selfShare[row]!)
        const color = DIFF_COLORS[palette][change > 0 ? 0 : 1]
        return (
          <li key={frame}>
            <button
              type="button"
              className={styles.change}
              style={{ borderLeftColor: color }}
              title={cleanName(model.frames.name[frame]!)}
              onClick={() => onFrame(frame)}
            >
              <span aria-hidden="true">{mark(change)}</span>
              <code>{shorten(cleanName(model.frames.name[frame]!), 40)}</code> {points(change)} {word}
            </button>
          </li>
        )
      })}
    </ul>
  )
})
