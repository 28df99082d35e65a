// The keys of the graph, from the very table that runs them.
import React from 'react'
import { KEYS } from './keys.ts'
import type { Styles } from './styles.ts'

const SHOWN: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  ' ': 'Space',
}

export function KeyList({ styles }: { readonly styles: Styles }) {
  return (
    <dl className={styles.keys} data-testid="flametrail-keys">
      {KEYS.map((row) => (
        <React.Fragment key={row.command}>
          <dt>{row.keys.map((key) => SHOWN[key] ?? key).join('  ')}</dt>
          <dd>{row.says}</dd>
        </React.Fragment>
      ))}
    </dl>
  )
}
