// The forms in which the shown profile can be taken away. What they are and how they are made is the host's business.
import React from 'react'
import type { Styles } from './styles.ts'

export interface ExportMenuProps {
  readonly formats: readonly string[]
  readonly onExport: (format: string) => void
  readonly styles: Styles
}

export function ExportMenu({ formats, onExport, styles }: ExportMenuProps) {
  const menu = React.useRef<HTMLDetailsElement>(null)
  const close = () => menu.current?.removeAttribute('open')
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key !== 'Escape' || menu.current?.open !== true) return
    close()
    menu.current.querySelector('summary')?.focus()
    event.preventDefault()
    event.stopPropagation()
  }
  const onBlur = (event: React.FocusEvent) => {
    if (event.relatedTarget !== null && !event.currentTarget.contains(event.relatedTarget)) close()
  }
  return (
    <details ref={menu} className={styles.menu} onKeyDown={onKeyDown} onBlur={onBlur}>
      <summary>Export</summary>
      <div className={styles.menuList}>
        {formats.map((format) => (
          <button
            key={format}
            type="button"
            className={styles.segment}
            onClick={() => {
              close()
              onExport(format)
            }}
          >
            {format}
          </button>
        ))}
      </div>
    </details>
  )
}
