// The line above everything: what was measured, when, and what is missing. Plain text, so that it can be read and copied.
import React from 'react'
import type { HeaderPart } from './facts.ts'
import type { Styles } from './styles.ts'

export interface HeaderProps {
  readonly parts: readonly HeaderPart[]
  readonly styles: Styles
}

export const Header = React.memo(function Header({ parts, styles }: HeaderProps) {
  const warning = `${styles.headerPart} ${styles.warning}`
  return (
    <div className={styles.header} data-testid="flametrail-header">
      {parts.map((part, i) => (
        <React.Fragment key={i}>
          <span className={part.isWarning === true ? warning : styles.headerPart}>{part.text}</span>
          {i + 1 < parts.length && ' · '}
        </React.Fragment>
      ))}
    </div>
  )
})
