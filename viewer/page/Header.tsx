// The line at the top: whose page this is, how the backend is, and how it should look.

import { css } from '@emotion/css'
import type { GrafanaTheme2 } from '@grafana/data'
import { Button, Tooltip, useStyles2, useTheme2 } from '@grafana/ui'
import React, { type ReactNode, useRef, useState } from 'react'
import type { StatusAnswer } from '#profile/wire/query-api'
import logo from '../../src/img/logo.svg'
import { statusText } from './status-text.ts'

export interface HeaderProps {
  readonly status: StatusAnswer | undefined
  readonly onTheme: (theme: 'dark' | 'light') => void
  /** A link with the range as it is now, in absolute times. */
  readonly linkOf: () => string
  /** The zoom path or the search is too long for a link, and not wholly in it. */
  readonly isCut: boolean
  readonly onFiles: (files: readonly File[]) => void
  readonly children: ReactNode
}

export function Header({ status, onTheme, linkOf, isCut, onFiles, children }: HeaderProps) {
  const styles = useStyles2(stylesOf)
  const { isDark } = useTheme2()
  const other = isDark ? 'light' : 'dark'
  return (
    <header className={styles.header}>
      <img className={styles.logo} src={logo} alt="" />
      <h1 className={styles.name}>Flametrail</h1>
      <div className={styles.status} role="status" data-testid="flametrail-status">
        {status === undefined ? '' : statusText(status)}
      </div>
      <div className={styles.tools}>
        {children}
        <OpenFile onFiles={onFiles} />
        <CopyLink linkOf={linkOf} isCut={isCut} />
        <Button
          variant="secondary"
          icon="adjust-circle"
          aria-label={`Use the ${other} theme`}
          tooltip={`Use the ${other} theme`}
          onClick={() => onTheme(other)}
        />
      </div>
    </header>
  )
}

function OpenFile({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        data-testid="flametrail-file-input"
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])])
          currentTarget.value = '' // the same file may be chosen again
        }}
      />
      <Button
        variant="secondary"
        icon="folder-open"
        tooltip="Show a pprof or folded file; it stays in this browser. Dropping one on the page does the same"
        aria-label="Show a profile file"
        onClick={() => input.current?.click()}
      />
    </>
  )
}

function CopyLink({ linkOf, isCut }: { readonly linkOf: () => string; readonly isCut: boolean }) {
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    // Browsers keep the clipboard from pages that came over plain HTTP, loopback aside.
    if (navigator.clipboard === undefined) {
      window.prompt('Copy this link:', linkOf())
      return
    }
    await navigator.clipboard.writeText(linkOf())
    setCopied(true)
    setTimeout(() => setCopied(false), 2_000)
  }
  const promise = isCut
    ? 'A link to this view, with absolute times. The zoom path or the search is too long for a link: it leads as near as it can'
    : 'A link to exactly this view, with absolute times'
  return (
    <Tooltip content={promise}>
      <Button variant="secondary" icon={isCopied ? 'check' : 'link'} onClick={copy}>
        {isCopied ? (isCut ? 'Copied, zoom shortened' : 'Copied') : 'Copy link'}
      </Button>
    </Tooltip>
  )
}

const stylesOf = (theme: GrafanaTheme2) => ({
  header: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(1, 2),
    background: theme.colors.background!.primary,
    borderBottom: `1px solid ${theme.colors.border!.weak}`,
  }),
  logo: css({ width: 26, height: 26 }),
  name: css({ margin: 0, fontSize: 18, fontWeight: 500, letterSpacing: '-0.01em' }),
  status: css({
    marginLeft: theme.spacing(1),
    color: theme.colors.text!.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
    fontVariantNumeric: 'tabular-nums',
    whiteSpace: 'nowrap',
  }),
  tools: css({
    marginLeft: 'auto',
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1),
  }),
})
