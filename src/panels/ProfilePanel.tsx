// The adapter that all three panels are: Grafana's props in; the component, or a sentence that says why not, out.
import { dateTimeFormat, LoadingState, type PanelProps } from '@grafana/data'
import { useTheme2 } from '@grafana/ui'
import React from 'react'
import { FlameGraph } from '../flamegraph/FlameGraph.tsx'
import { makeStyles } from '../flamegraph/styles.ts'
import { countedOf, type PanelContent, type ReadContent } from './content.ts'
import { download } from './download.ts'
import { type ExportFormat, exportFile, exportFormats } from './export-file.ts'
import { type GraphOptions, migrateOptions } from './options.ts'
import { emptySentence } from './sentences.ts'
import { useView } from './use-view.ts'

export interface ProfilePanelProps extends PanelProps<GraphOptions> {
  readonly read: ReadContent
}

export function ProfilePanel({ read, data, options, width, height, timeZone, title }: ProfilePanelProps) {
  const theme = useTheme2()
  const styles = React.useMemo(() => makeStyles(theme), [theme])
  const settings = React.useMemo(() => migrateOptions(options), [options])
  const [view, setView] = useView(settings, width)
  const [refusal, setRefusal] = React.useState<string>()
  const content = React.useMemo(() => read(data.series), [read, data.series])
  const printTime = React.useCallback(
    (ms: number, format: string) => dateTimeFormat(ms, { timeZone, format }),
    [timeZone],
  )
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
        size={{ cssWidth: width, cssHeight: height }}
        theme={theme}
        printTime={printTime}
        comparing={comparing}
        exportFormats={exportFormats(content.value)}
        onExport={onExport}
        refusal={refusal}
      />
    )
  }
  const isLoading = data.state === LoadingState.Loading
  const told = data.errors?.[0]?.message ?? (data.series.length === 0 && isLoading ? 'Loading …' : sentence)
  return (
    <div className={styles.sentence} style={{ height }} role="status" data-testid="flametrail-sentence">
      {told}
    </div>
  )
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
