// The iceberg panel: own times as first level, callers on them.
import type { PanelProps } from '@grafana/data'
import React from 'react'
import { icebergContent } from '../content.ts'
import type { GraphOptions } from '../options.ts'
import { ProfilePanel } from '../ProfilePanel.tsx'

export const Panel = React.memo(function Panel(props: PanelProps<GraphOptions>) {
  return <ProfilePanel {...props} read={icebergContent} />
})
