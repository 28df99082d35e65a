// The diff panel: one diff frame, or two profiles of which the first is the baseline.
import type { PanelProps } from '@grafana/data'
import React from 'react'
import { diffContent } from '../content.ts'
import type { GraphOptions } from '../options.ts'
import { ProfilePanel } from '../ProfilePanel.tsx'

export const Panel = React.memo(function Panel(props: PanelProps<GraphOptions>) {
  return <ProfilePanel {...props} read={diffContent} />
})
