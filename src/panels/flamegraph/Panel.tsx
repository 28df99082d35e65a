// The flame graph panel: the first profile among its frames.
import type { PanelProps } from '@grafana/data'
import React from 'react'
import { flameContent } from '../content.ts'
import type { GraphOptions } from '../options.ts'
import { ProfilePanel } from '../ProfilePanel.tsx'

export const Panel = React.memo(function Panel(props: PanelProps<GraphOptions>) {
  return <ProfilePanel {...props} read={flameContent} />
})
