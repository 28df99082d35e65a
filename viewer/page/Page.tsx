// The whole page: header, query, series over time, and one of three views of the profile. Its state is its URL.

import { css } from '@emotion/css'
import {
  type AbsoluteTimeRange,
  type GrafanaTheme2,
  LoadingState,
  type PanelData,
  type PanelPlugin,
  type TimeRange,
} from '@grafana/data'
import { Alert, RefreshPicker, TimeRangePicker, useStyles2 } from '@grafana/ui'
import React, { useCallback, useEffect, useMemo, useState } from 'react'
import type { StatusAnswer } from '#profile/wire/query-api'
import type { ProfileDataSource } from '../../src/datasource/datasource.ts'
import { type ProfileQuery, VIEWER_APP } from '../../src/datasource/query.ts'
import type { PrintedView } from '../../src/flamegraph/view-text.ts'
import type { Span } from '../../src/panels/timeline/brush.ts'
import { PanelHost } from '../host/PanelHost.tsx'
import { afterStroke, marksOf, withChart, withMark, withoutMark } from './brush.ts'
import { FileView } from './FileView.tsx'
import { Header } from './Header.tsx'
import { Login, type LoginProps } from './Login.tsx'
import { PANELS, profileQuery, seriesQuery, withQuery } from './queries.ts'
import { RangeChips } from './RangeChips.tsx'
import { SeriesChart } from './SeriesChart.tsx'
import { readStatus } from './session.ts'
import { absoluteRange, boundsOf, shiftRange, timeRangeOf, zoomOut } from './time.ts'
import { type PageState, printUrl, REFRESH_INTERVALS, VIEWS, withView } from './url-state.ts'
import { useFiles } from './use-files.ts'
import { usePanelData } from './use-panel-data.ts'
import { useSize } from './use-size.ts'
import { ViewBox } from './ViewBox.tsx'

export interface PageProps {
  readonly dataSource: ProfileDataSource
  readonly panels: Readonly<Record<PageState['view'], PanelPlugin>>
  readonly state: PageState
  /** `isFine`: a small step of a move that goes on; the browser's way back leads past it. */
  readonly onState: (state: PageState, isFine?: boolean) => void
  /** The backend asks who it is: until it knows, only files can be opened. */
  readonly onToken: LoginProps['onToken'] | undefined
}

const CHART_HEIGHT_CSS = 144
/** A tree has no points over time: it is not asked anew when the window changes. */
const TREE_POINTS = 1_000
const STATUS_EVERY_MS = 10_000 // as often as agents send

export function Page({ dataSource, panels, state, onState, onToken }: PageProps) {
  const styles = useStyles2(stylesOf)
  const [tick, setTick] = useState(0)
  const refresh = useCallback(() => setTick((last) => last + 1), [])
  const range = useMemo(() => timeRangeOf(state), [state.from, state.to, tick])
  const status = useStatus(tick, onToken === undefined)
  const files = useFiles()
  const [isCut, setCut] = useState(false)
  const isAsking = files.opened === undefined && onToken === undefined

  const setRange = (next: TimeRange) => onState(withChart(state, boundsOf(next), spanOf(next)))
  const linkOf = () => {
    const bounds = boundsOf(absoluteRange(range.from.valueOf(), range.to.valueOf()))
    return new URL(printUrl({ ...state, ...bounds, refresh: '' }), window.location.href).href
  }
  return (
    <div className={styles.page}>
      <Header
        status={status}
        linkOf={linkOf}
        isCut={isCut}
        onFiles={files.open}
        onTheme={(theme) => onState({ ...state, theme })}
      >
        {!isAsking ? null : (
          <>
            <TimeRangePicker
              value={range}
              timeZone="browser"
              onChange={setRange}
              onChangeTimeZone={() => undefined}
              onMoveBackward={() => setRange(shiftRange(range, -1, Date.now()))}
              onMoveForward={() => setRange(shiftRange(range, 1, Date.now()))}
              onZoom={() => setRange(zoomOut(range, Date.now()))}
              isOnCanvas
            />
            <RefreshPicker
              value={state.refresh}
              intervals={[...REFRESH_INTERVALS]}
              onRefresh={refresh}
              tooltip="Refresh"
              onIntervalChanged={(interval) => onState({ ...state, refresh: interval })}
              isOnCanvas
            />
          </>
        )}
      </Header>
      <AutoRefresh interval={state.refresh} onTick={refresh} />
      <main className={styles.body}>
        {files.refusal === undefined ? null : (
          <Alert
            severity="error"
            title={files.refusal}
            bottomSpacing={0}
            onRemove={files.dismiss}
            data-testid="flametrail-refusal"
          />
        )}
        {files.opened !== undefined ? (
          <FileView key={files.serial} file={files.opened} panels={panels} onClose={files.close} />
        ) : onToken !== undefined ? (
          <Login onToken={onToken} />
        ) : (
          <Body {...{ dataSource, panels, state, onState, range, setRange, refresh, setCut }} />
        )}
      </main>
      {files.isOver ? <div className={styles.drop}>Drop a pprof or folded file to open it here</div> : null}
    </div>
  )
}

interface BodyProps extends Omit<PageProps, 'onToken'> {
  readonly range: TimeRange
  readonly setRange: (range: TimeRange) => void
  readonly refresh: () => void
  readonly setCut: (isCut: boolean) => void
}

function Body({ dataSource, panels, state, onState, range, setRange, refresh, setCut }: BodyProps) {
  const styles = useStyles2(stylesOf)
  const chart = useSize()
  const query = useMemo(() => profileQuery(state), [state])
  const series = useMemo(() => seriesQuery(state), [state])
  const { graphFrom, graphTo } = state
  const graphRange = useMemo(
    () => (graphFrom === undefined || graphTo === undefined ? range : absoluteRange(graphFrom, graphTo)),
    [graphFrom, graphTo, range],
  )
  const chartData = usePanelData({
    dataSource,
    range,
    name: 'series',
    query: series,
    panelPluginId: 'timeseries',
    widthCss: chart.size.widthCss,
  })
  const panelPluginId = PANELS[state.view].id
  const graphData = usePanelData({
    dataSource,
    range: graphRange,
    name: 'view',
    query,
    panelPluginId,
    widthCss: TREE_POINTS,
  })
  const marks = marksOf(state)
  const zoom = ({ fromMs, toMs }: Span) => setRange(absoluteRange(fromMs, toMs))
  const stroke = (span: Span, isShift: boolean) => {
    const chartSpan = spanOf(range)
    if (span.fromMs >= chartSpan.fromMs || span.toMs <= chartSpan.toMs)
      return onState(afterStroke(state, span, isShift))
    // A double click: one step back, from the marked range to the chart's, from there to a wider one.
    const [mark] = marks
    if (mark === undefined) zoom(span)
    else onState(withoutMark(withoutMark(state, mark.kind), 'graph'))
  }
  return (
    <>
      <section className={styles.box} aria-label="Query">
        <Editor
          {...{ dataSource, query, range: graphRange, data: graphData, refresh }}
          onQuery={(next) => onState(withQuery(state, next))}
        />
      </section>
      <section className={styles.box} aria-label="Series">
        <div ref={chart.ref} style={{ height: CHART_HEIGHT_CSS }} data-testid="flametrail-series">
          <SeriesChart
            data={chartData}
            range={range}
            {...chart.size}
            heightCss={CHART_HEIGHT_CSS}
            marks={marks}
            onMark={(mark) => onState(withMark(state, mark), true)}
            onStroke={stroke}
          />
        </div>
        <RangeChips
          view={state.view}
          marks={marks}
          onClear={(kind) => onState(withoutMark(state, kind))}
          onZoom={zoom}
        />
      </section>
      <ViewBox
        views={VIEWS}
        view={state.view}
        isLoading={graphData.state === LoadingState.Loading}
        onView={(view) => onState(withView(state, view))}
      >
        {(size) => (
          <View
            plugin={panels[state.view]}
            data={graphData}
            range={graphRange}
            onRange={(span) => stroke(span, false)}
            picture={state.picture}
            onPicture={({ text, isCut }) => {
              setCut(isCut)
              onState({ ...state, picture: text })
            }}
            {...size}
            key={state.view}
          />
        )}
      </ViewBox>
    </>
  )
}

function View(props: {
  readonly plugin: PanelPlugin
  readonly data: PanelData
  readonly range: TimeRange
  readonly widthCss: number
  readonly heightCss: number
  readonly onRange: (span: Span) => void
  readonly picture: string
  readonly onPicture: (printed: PrintedView) => void
}) {
  const { plugin, data, range, widthCss, heightCss, onRange, picture, onPicture } = props
  if (data.state === LoadingState.Error && data.series.length === 0) {
    const sentence = data.errors?.[0]?.message ?? 'The profile could not be read.'
    return <Alert severity="error" title={sentence} data-testid="flametrail-error" />
  }
  // Nothing yet: the bar above says that it is coming.
  if (data.series.length === 0 || widthCss === 0) return null
  return (
    <PanelHost
      {...{ plugin, data, range, widthCss, heightCss, picture, onPicture }}
      onRange={(next) => onRange(spanOf(next))}
    />
  )
}

function Editor(props: {
  readonly dataSource: ProfileDataSource
  readonly query: ProfileQuery
  readonly range: TimeRange
  readonly data: PanelData
  readonly refresh: () => void
  readonly onQuery: (query: ProfileQuery) => void
}) {
  const { dataSource, query, range, data, refresh, onQuery } = props
  const QueryEditor = dataSource.components?.QueryEditor
  if (QueryEditor === undefined) return null
  return (
    <QueryEditor
      datasource={dataSource}
      query={query}
      onChange={onQuery}
      onRunQuery={refresh}
      range={range}
      data={data}
      app={VIEWER_APP as never}
    />
  )
}

const spanOf = ({ from, to }: AbsoluteTimeRange | TimeRange): Span => ({
  fromMs: from.valueOf(),
  toMs: to.valueOf(),
})

/** The backend's state, asked again with every refresh and every 10 s, once someone may ask. */
function useStatus(tick: number, mayAsk: boolean): StatusAnswer | undefined {
  const [status, setStatus] = useState<StatusAnswer>()
  useEffect(() => {
    if (!mayAsk) return
    const controller = new AbortController()
    const ask = async () => {
      const answer = await readStatus(controller.signal)
      if (!controller.signal.aborted) setStatus(answer)
    }
    void ask()
    const timer = setInterval(ask, STATUS_EVERY_MS)
    return () => {
      controller.abort()
      clearInterval(timer)
    }
  }, [tick, mayAsk])
  return status
}

function AutoRefresh({ interval, onTick }: { readonly interval: string; readonly onTick: () => void }) {
  useEffect(() => {
    const amount = Number.parseInt(interval, 10)
    if (!(amount > 0)) return
    const everyMs = amount * (interval.endsWith('m') ? 60_000 : 1_000)
    const timer = setInterval(() => {
      if (!document.hidden) onTick()
    }, everyMs)
    return () => clearInterval(timer)
  }, [interval, onTick])
  return null
}

const stylesOf = (theme: GrafanaTheme2) => ({
  page: css({
    display: 'flex',
    flexDirection: 'column',
    minHeight: '100vh',
    background: theme.colors.background!.canvas,
    color: theme.colors.text!.primary,
  }),
  body: css({
    flex: 1,
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1),
    padding: theme.spacing(1, 2, 2),
    minHeight: 0,
  }),
  box: css({
    padding: theme.spacing(1),
    background: theme.colors.background!.primary,
    border: `1px solid ${theme.colors.border!.weak}`,
    borderRadius: theme.shape.radius.default,
  }),
  drop: css({
    position: 'fixed',
    inset: theme.spacing(2),
    zIndex: theme.zIndex.modal,
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'center',
    fontSize: 18,
    background: theme.colors.background!.primary,
    border: `2px dashed ${theme.colors.primary!.main}`,
    borderRadius: theme.shape.radius.default,
    opacity: 0.9,
    pointerEvents: 'none',
  }),
})
