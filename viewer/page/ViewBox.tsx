// Where does the picture stand? Below its tabs and a bar that says that it is coming, in the room that is left.

import { css } from '@emotion/css'
import type { GrafanaTheme2 } from '@grafana/data'
import { LoadingBar, Tab, TabsBar, useStyles2 } from '@grafana/ui'
import React, { type ReactNode } from 'react'
import { PANELS } from './queries.ts'
import type { View } from './url-state.ts'
import { type SizeCss, useSize } from './use-size.ts'

export interface ViewBoxProps {
  readonly views: readonly View[]
  readonly view: View
  readonly isLoading: boolean
  readonly onView: (view: View) => void
  readonly children: (size: SizeCss) => ReactNode
}

export function ViewBox({ views, view, isLoading, onView, children }: ViewBoxProps) {
  const styles = useStyles2(stylesOf)
  const graph = useSize()
  return (
    <section className={styles.view}>
      <TabsBar className={styles.tabs}>
        {views.map((one) => (
          <Tab
            key={one}
            label={PANELS[one].title}
            active={one === view}
            onChangeTab={(event) => {
              event?.preventDefault()
              onView(one)
            }}
          />
        ))}
      </TabsBar>
      <div className={styles.loading}>{isLoading ? <LoadingBar width={graph.size.widthCss} /> : null}</div>
      <div ref={graph.ref} className={isLoading ? styles.waiting : styles.graph}>
        {children(graph.size)}
      </div>
    </section>
  )
}

// A height that the content cannot stretch, or panel and observer would chase each other.
const ROOM = { flex: '1 1 440px', minHeight: 440, height: 0, overflow: 'hidden' }

const stylesOf = (theme: GrafanaTheme2) => ({
  view: css({
    flex: 1,
    display: 'flex',
    flexDirection: 'column',
    background: theme.colors.background!.primary,
    border: `1px solid ${theme.colors.border!.weak}`,
    borderRadius: theme.shape.radius.default,
  }),
  tabs: css({ padding: theme.spacing(0, 1) }),
  loading: css({ height: 1, overflow: 'hidden' }),
  graph: css({ ...ROOM, padding: theme.spacing(1) }),
  // The answer before stays, greyed once the next one takes its time.
  waiting: css({
    ...ROOM,
    padding: theme.spacing(1),
    opacity: 0.5,
    transition: 'opacity 0s linear 400ms',
  }),
})
