// The adapter that all three panels are: Grafana's props in; the component, or a sentence that says why not, out.
import { type DataFrame, dateTimeFormat, LoadingState, type PanelProps } from '@grafana/data'
import { useTheme2 } from '@grafana/ui'
import React from 'react'
import { isDiffTree } from '#profile/picture/graph-model'
import { FlameGraph } from '../flamegraph/FlameGraph.tsx'
import { makeStyles } from '../flamegraph/styles.ts'
import { frameMeta } from '../frame/frame-meta.ts'
import { countedOf, flameContent, type PanelContent, type ReadContent } from './content.ts'
import { download } from './download.ts'
import { type ExportFormat, exportFile, exportFormats } from './export-file.ts'
import { type GraphOptions, migrateOptions } from './options.ts'
import { emptySentence } from './sentences.ts'
import { stripStyles } from './timeline/styles.ts'
import { useTimeline } from './timeline/use-timeline.ts'
import { WithStrip } from './timeline/WithStrip.tsx'
import { useView } from './use-view.ts'

export interface ProfilePanelProps extends PanelProps<GraphOptions> {
  readonly read: ReadContent
}

export function ProfilePanel({ read, data, options, width, height, timeZone, title }: ProfilePanelProps) {
  const theme = useTheme2()
  const styles = React.useMemo(() => makeStyles(theme), [theme])
  const ofStrip = React.useMemo(() => stripStyles(theme), [theme])
  const settings = React.useMemo(() => migrateOptions(options), [options])
  const [view, setView] = useView(settings, width)
  const [refusal, setRefusal] = React.useState<string>()
  const own = React.useMemo(() => read(data.series), [read, data.series])
  const strip = useTimeline({
    isOn: settings.timeline && height >= CSS_HEIGHT_FOR_STRIP,
    series: data.series,
    isDiff: own.ok ? isDiffTree(own.value.tree) : undefined,
    cssWidth: width,
  })
  const marked = strip === undefined || 'sentence' in strip ? undefined : strip.markedAnswer
  const content = React.useMemo(
    () => (marked?.frames === undefined ? own : readMarked(marked.frames, own, read)),
    [read, own, marked?.frames],
  )
  const printTime = React.useCallback(
    (ms: number, format: string) => dateTimeFormat(ms, { timeZone, format }),
    [timeZone],
  )
  const isLoading = data.state === LoadingState.Loading
  const graph = (cssHeight: number) => {
    const sentence = content.ok ? emptySentence(content.value, printTime) : content.error.message
    if (sentence === undefined && content.ok) {
      const { comparing } = settings
      const onExport = (format: string) => {
        setRefusal(undefined)
        const { isDark } = theme
        const input = { content: content.value, view, title: title ?? '', isDark, comparing, printTime }
        exportFile(format as ExportFormat, input).then(download, (error: Error) =>
          setRefusal(`The ${format} file could not be made: ${error.message}`),
        )
      }
      return (
        <FlameGraph
          {...graphProps(content.value)}
          view={view}
          onView={setView}
          size={{ cssWidth: width, cssHeight }}
          theme={theme}
          printTime={printTime}
          comparing={comparing}
          exportFormats={exportFormats(content.value)}
          onExport={onExport}
          refusal={refusal}
        />
      )
    }
    const told = data.errors?.[0]?.message ?? (data.series.length === 0 && isLoading ? 'Loading …' : sentence)
    return (
      <div
        className={styles.sentence}
        style={{ height: cssHeight }}
        role="status"
        data-testid="flametrail-sentence"
      >
        {told}
      </div>
    )
  }
  if (strip === undefined) return graph(height)
  return (
    <WithStrip strip={strip} {...{ theme, printTime, width, height }} styles={ofStrip}>
      {graph}
    </WithStrip>
  )
}

/** Lower than this a strip would take the graph's last rows. */
const CSS_HEIGHT_FOR_STRIP = 200

/** What the panel makes of the marked part. A diff of two parts of a profile is drawn as one by every panel. */
function readMarked(
  frames: readonly DataFrame[],
  own: ReturnType<ReadContent>,
  read: ReadContent,
): ReturnType<ReadContent> {
  const isDiff = frames.some((frame) => frameMeta(frame)?.view === 'diff')
  return isDiff && own.ok && !isDiffTree(own.value.tree) ? flameContent(frames) : read(frames)
}

/** What of the content the component wants to know. */
const graphProps = (content: PanelContent) => ({
  tree: content.tree,
  isInverted: content.isInverted,
  unit: content.unit,
  counted: countedOf(content),
  facts: content.meta,
  baselineFacts: content.baselineMeta,
})
