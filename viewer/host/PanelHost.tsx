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
import React, { useMemo, useState } from 'react'

export interface PanelHostProps {
  readonly plugin: PanelPlugin
  readonly data: PanelData
  readonly range: TimeRange
  readonly widthCss: number
  readonly heightCss: number
  readonly onRange: (range: AbsoluteTimeRange) => void
}

const NO_FIELD_CONFIG: FieldConfigSource = { defaults: {}, overrides: [] }

export function PanelHost({ plugin, data, range, widthCss, heightCss, onRange }: PanelHostProps) {
  const theme = useTheme2()
  const [options, setOptions] = useState<object>(() => plugin.defaults as object)
  const eventBus = useMemo(() => new EventBusSrv(), [])
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
          onOptionsChange={setOptions}
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
