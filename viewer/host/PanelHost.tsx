// What does a panel need around it to think that it stands in a dashboard? A size, its data with Grafana's field
// overrides applied, options with its own defaults, and somewhere to put what it changes.
import {
  type AbsoluteTimeRange,
  applyFieldOverrides,
  EventBusSrv,
  type FieldConfigSource,
  type PanelData,
  type PanelPlugin,
  type TimeRange,
} from '@grafana/data'
import { ErrorBoundaryAlert, PanelContextProvider, useTheme2 } from '@grafana/ui'
import React, { useEffect, useMemo, useState } from 'react'
import type { PrintedView } from '../../src/flamegraph/view-text.ts'
import { ViewChangedEvent } from '../../src/panels/view-event.ts'

export interface PanelHostProps {
  readonly plugin: PanelPlugin
  readonly data: PanelData
  readonly range: TimeRange
  readonly widthCss: number
  readonly heightCss: number
  readonly onRange: (range: AbsoluteTimeRange) => void
  /** What the panel opens with, and what it says when the reader has changed it. */
  readonly picture?: string
  readonly onPicture?: (printed: PrintedView) => void
  /** Options that differ from the panel's own defaults. */
  readonly firstOptions?: object
}

const NO_FIELD_CONFIG: FieldConfigSource = { defaults: {}, overrides: [] }

export function PanelHost(props: PanelHostProps) {
  const { plugin, data, range, widthCss, heightCss, onRange, picture = '', onPicture, firstOptions } = props
  const theme = useTheme2()
  const [chosen, setChosen] = useState<object>(() => ({ ...(plugin.defaults as object), ...firstOptions }))
  const options = useMemo(() => ({ ...chosen, view: picture }), [chosen, picture])
  const eventBus = useMemo(() => new EventBusSrv(), [])
  useEffect(() => {
    const heard = eventBus.getStream(ViewChangedEvent).subscribe(({ payload }) => onPicture?.(payload))
    return () => heard.unsubscribe()
  }, [eventBus, onPicture])
  const prepared = useMemo(() => prepareData(data, theme), [data, theme])
  const { panel: Panel } = plugin
  if (Panel === null) return null
  return (
    <ErrorBoundaryAlert boundaryName={plugin.meta?.id ?? 'panel'} dependencies={[plugin, prepared]}>
      <PanelContextProvider value={{ eventBus, eventsScope: 'viewer' }}>
        <Panel
          id={1}
          title=""
          transparent
          data={prepared}
          timeRange={range}
          timeZone="browser"
          options={options}
          fieldConfig={NO_FIELD_CONFIG}
          width={widthCss}
          height={heightCss}
          renderCounter={0}
          eventBus={eventBus}
          onOptionsChange={setChosen}
          onFieldConfigChange={() => undefined}
          replaceVariables={(text) => text}
          onChangeTimeRange={onRange}
        />
      </PanelContextProvider>
    </ErrorBoundaryAlert>
  )
}

/** Frames as a dashboard gives them to a panel: with display processors and states. */
export function prepareData(data: PanelData, theme: ReturnType<typeof useTheme2>): PanelData {
  const series = applyFieldOverrides({
    data: data.series,
    fieldConfig: NO_FIELD_CONFIG,
    replaceVariables: (text: string) => text,
    theme,
    timeZone: 'browser',
  })
  return { ...data, series }
}
