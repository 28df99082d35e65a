// A profile file in the place of the backend's answers: the same panels, without query, chart and diff.

import { css } from '@emotion/css'
import { type GrafanaTheme2, LoadingState, type PanelData, type PanelPlugin } from '@grafana/data'
import { ErrorBoundaryAlert, IconButton, useStyles2 } from '@grafana/ui'
import React, { useMemo, useState } from 'react'
import type { Profile } from '#profile/model/profile'
import { PanelHost } from '../host/PanelHost.tsx'
import { chipStyle } from './chip-style.ts'
import { frameOf, type OpenedFile } from './open-file.ts'
import { timeRangeOf } from './time.ts'
import { DEFAULT_STATE, type View } from './url-state.ts'
import { ViewBox } from './ViewBox.tsx'

export interface FileViewProps {
  readonly file: OpenedFile
  readonly panels: Readonly<Record<View, PanelPlugin>>
  readonly onClose: () => void
}

const FILE_VIEWS = ['flame', 'iceberg'] as const

export function FileView({ file, panels, onClose }: FileViewProps) {
  const styles = useStyles2(stylesOf)
  const [view, setView] = useState<View>('flame')
  const [chosen, setChosen] = useState(file.first)
  const profile = file.profiles[chosen]!
  return (
    <>
      <section className={styles.line} aria-label="File" data-testid="flametrail-file">
        <span className={styles.chip}>
          file {file.name}
          <IconButton name="times" size="sm" tooltip="Close the file" onClick={onClose} />
        </span>
        {file.profiles.length < 2 ? null : (
          <select
            className={styles.types}
            aria-label="What was counted"
            value={chosen}
            onChange={(event) => setChosen(Number(event.currentTarget.value))}
          >
            {file.profiles.map((one, i) => (
              <option key={i} value={i}>
                {typeText(one)}
              </option>
            ))}
          </select>
        )}
        <span className={styles.note}>{notesText(file.notes)}</span>
      </section>
      <ViewBox views={FILE_VIEWS} view={view} isLoading={false} onView={setView}>
        {({ widthCss, heightCss }) =>
          widthCss === 0 ? null : (
            <ErrorBoundaryAlert boundaryName="file" dependencies={[profile, view]}>
              <Picture key={`${view} ${chosen}`} {...{ profile, view, panels, widthCss, heightCss }} />
            </ErrorBoundaryAlert>
          )
        }
      </ViewBox>
    </>
  )
}

function Picture(props: {
  readonly profile: Profile
  readonly view: View
  readonly panels: FileViewProps['panels']
  readonly widthCss: number
  readonly heightCss: number
}) {
  const { profile, view, panels, widthCss, heightCss } = props
  const data = useMemo((): PanelData => {
    const { timeMs, durationMs } = profile
    const bounds = { from: String(timeMs), to: String(timeMs + Math.max(1, durationMs)) }
    const timeRange = timeRangeOf(timeMs > 0 ? bounds : DEFAULT_STATE)
    return { state: LoadingState.Done, series: [frameOf(profile, view === 'iceberg')], timeRange }
  }, [profile, view])
  return (
    <PanelHost
      {...{ data, widthCss, heightCss }}
      plugin={panels[view]}
      range={data.timeRange}
      onRange={() => undefined}
      firstOptions={hasMappings(profile) ? {} : BY_FUNCTION}
    />
  )
}

/** Folded names belong to no package: coloured by it, the picture would be grey. */
const BY_FUNCTION = { colorBy: 'function' }
const hasMappings = ({ mappings, functions }: Profile) =>
  mappings.file.length > 0 || functions.file.some((file) => file !== 0)

const NOTES_SHOWN = 3

function notesText(notes: readonly string[]): string {
  const more = notes.length - NOTES_SHOWN
  return `${notes.slice(0, NOTES_SHOWN).join(' ')}${more > 0 ? ` And ${more} more of the kind.` : ''}`
}

const typeText = ({ type }: Profile) => `${type.sampleType} (${type.sampleUnit})`

const stylesOf = (theme: GrafanaTheme2) => ({
  line: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(1),
    background: theme.colors.background!.primary,
    border: `1px solid ${theme.colors.border!.weak}`,
    borderRadius: theme.shape.radius.default,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  chip: chipStyle(theme),
  types: css({
    height: 24,
    color: 'inherit',
    background: theme.colors.background!.secondary,
    border: `1px solid ${theme.colors.border!.medium}`,
    borderRadius: theme.shape.radius.default,
  }),
  note: css({ color: theme.colors.warning!.text }),
})
