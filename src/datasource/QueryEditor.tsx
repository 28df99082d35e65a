// What does a user choose? What was counted, of whom, and as what: series, a profile, both, a diff, or top functions.

import { css } from '@emotion/css'
import { CoreApp, dateTime, type GrafanaTheme2, type QueryEditorProps, type TimeRange } from '@grafana/data'
import { Combobox, InlineField, InlineSwitch, Input, RadioButtonGroup, useStyles2 } from '@grafana/ui'
import React, { useEffect, useId, useMemo, useState } from 'react'
import { firstValueFrom } from 'rxjs'
import type { ProfileTypesAnswer } from '#profile/wire/query-api'
import type { ProfileDataSource, ProfileOptions } from './datasource.ts'
import {
  type Baseline,
  CPU_TYPE_ID,
  normalizeQuery,
  type ProfileQuery,
  type QueryType,
  VIEWER_APP,
} from './query.ts'
import { SelectorInput } from './SelectorInput.tsx'
import { suggest } from './suggestions.ts'

type Props = QueryEditorProps<ProfileDataSource, ProfileQuery, ProfileOptions>

const KINDS: { label: string; value: QueryType; description: string }[] = [
  { label: 'Metrics', value: 'metrics', description: 'Series over time' },
  { label: 'Profile', value: 'profile', description: 'A flame graph or an iceberg' },
  { label: 'Both', value: 'both', description: 'Series and profile: for Explore' },
  { label: 'Diff', value: 'diff', description: 'Two profiles: what became worse, what better' },
  { label: 'Top', value: 'top', description: 'A table of the hottest functions' },
]

export function QueryEditor({ datasource, query: stored, onChange, onRunQuery, range, data, app }: Props) {
  const styles = useStyles2(stylesOf)
  const id = useId()
  const query = normalizeQuery(stored, datasource.getDefaultQuery(app ?? CoreApp.Unknown).queryType)
  const scope = useMemo(() => scopeOf(query.profileTypeId, range), [query.profileTypeId, range])
  const types = useProfileTypes(datasource, scope)
  // A query may name its type by an alias.
  const typeId = types.find(({ alias }) => alias === query.profileTypeId)?.id ?? query.profileTypeId
  const change = (part: Partial<ProfileQuery>) => {
    onChange({ ...query, ...part })
    onRunQuery()
  }
  const suggestFor = (text: string, cursor: number) => suggest({ text, cursor, ...scope }, datasource.client)
  // A position does not say in which of two selectors.
  const refusal = query.baseline?.labelSelector === undefined ? refusalOf(data, query.refId) : undefined
  const isViewHere = app !== (VIEWER_APP as CoreApp)
  return (
    <div className={styles.rows}>
      <div className={styles.row}>
        <span id={`${id}-type`} className={styles.heard}>
          Profile type
        </span>
        <Combobox
          aria-labelledby={`${id}-type`}
          width={26}
          options={typeOptions(types, typeId)}
          value={typeId}
          createCustomValue
          onChange={({ value }) => change({ profileTypeId: value })}
        />
        <SelectorInput
          label="Selector"
          placeholder={'{service_name="checkout"}'}
          value={query.labelSelector}
          refusal={refusal}
          suggest={suggestFor}
          onCommit={(text) => change({ labelSelector: text.trim() === '' ? '{}' : text })}
        />
      </div>
      {isViewHere ? (
        <div className={styles.row}>
          <RadioButtonGroup
            options={KINDS}
            value={query.queryType}
            onChange={(queryType) => change({ queryType })}
            aria-label="Query type"
          />
          {query.queryType === 'metrics' || query.queryType === 'top' ? null : (
            <InlineField
              label="Iceberg"
              tooltip="Turned over: the functions that ran stand at the base, their callers on them"
            >
              <InlineSwitch
                aria-label="Iceberg"
                value={query.invert === true}
                onChange={(event) => change(withInvert(query, event.currentTarget.checked))}
              />
            </InlineField>
          )}
          {query.queryType === 'top' ? null : (
            <GroupBy names={query.groupBy} onNames={(groupBy) => change({ groupBy })} />
          )}
        </div>
      ) : null}
      {query.queryType === 'diff' ? (
        <BaselineRow
          baseline={query.baseline ?? {}}
          suggest={suggestFor}
          onBaseline={(baseline) => change({ baseline })}
        />
      ) : null}
    </div>
  )
}

function BaselineRow(props: {
  readonly baseline: Baseline
  readonly suggest: (text: string, cursor: number) => ReturnType<typeof suggest>
  readonly onBaseline: (baseline: Baseline) => void
}) {
  const { baseline, onBaseline } = props
  const styles = useStyles2(stylesOf)
  const { labelSelector, shift, from, to } = baseline
  const isFixed = from !== undefined && to !== undefined
  return (
    <div className={styles.row}>
      <InlineField
        className={styles.inline}
        label="Baseline"
        tooltip="How much earlier than the range: 1h, 1d, 7d. Empty: the time just before the range."
      >
        <TextInput
          label="Baseline shift"
          width={isFixed ? 46 : 24}
          placeholder={isFixed ? `${momentText(from)} to ${momentText(to)}` : 'the time just before'}
          value={shift ?? ''}
          // A shift takes the place of fixed times; emptied, it leaves "just before".
          onText={(text) => onBaseline(baselineWith({ labelSelector, shift: text }))}
        />
      </InlineField>
      <SelectorInput
        label="Baseline selector"
        placeholder="the same selector"
        value={labelSelector ?? ''}
        suggest={props.suggest}
        onCommit={(text) => {
          const rest = { shift: shift ?? '', ...(isFixed ? { from, to } : {}) }
          onBaseline(baselineWith({ labelSelector: text.trim(), ...rest }))
        }}
      />
    </div>
  )
}

function GroupBy({
  names,
  onNames,
}: {
  readonly names: readonly string[]
  readonly onNames: (names: readonly string[]) => void
}) {
  return (
    <InlineField
      label="Group by"
      tooltip="Label names, with commas: one series each, or the first levels of a profile"
    >
      <TextInput
        label="Group by"
        width={28}
        placeholder="service_name, host"
        value={names.join(', ')}
        onText={(text) =>
          onNames(
            text
              .split(',')
              .map((name) => name.trim())
              .filter((name) => name !== ''),
          )
        }
      />
    </InlineField>
  )
}

/** A field whose text counts when it is meant: on Enter and on leaving. */
function TextInput(props: {
  readonly label: string
  readonly width: number
  readonly placeholder: string
  readonly value: string
  readonly onText: (text: string) => void
}) {
  const { label, width, placeholder, value, onText } = props
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  const commit = () => {
    if (text.trim() !== value) onText(text.trim())
  }
  return (
    <Input
      aria-label={label}
      width={width}
      placeholder={placeholder}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
      onBlur={commit}
    />
  )
}

/** Profile types of the range; none when the backend cannot be asked: the query itself will say why. */
function useProfileTypes(
  dataSource: ProfileDataSource,
  scope: { readonly from: string; readonly to: string },
) {
  const [types, setTypes] = useState<ProfileTypesAnswer['types']>([])
  const { from, to } = scope
  useEffect(() => {
    let isCurrent = true
    firstValueFrom(dataSource.client.profileTypes({ from, to })).then(
      (answer) => isCurrent && setTypes(answer.types),
      () => isCurrent && setTypes([]),
    )
    return () => {
      isCurrent = false
    }
  }, [dataSource, from, to])
  return types
}

function typeOptions(types: ProfileTypesAnswer['types'], current: string) {
  const options = types.map(({ id, alias }) => ({ value: id, label: alias, description: id }))
  // The chosen type stays in the list while nothing of it was seen in the range.
  const isListed = types.some(({ id }) => id === current)
  const label = current === CPU_TYPE_ID ? 'cpu' : current
  return isListed ? options : [{ value: current, label, description: current }, ...options]
}

/** Questions of the editor go over whole minutes, or every refresh of a relative range would ask them anew. */
function scopeOf(type: string, range: TimeRange | undefined) {
  const minute = 60_000
  const toMs = Math.ceil((range?.to.valueOf() ?? Date.now()) / minute) * minute
  const fromMs = Math.floor((range?.from.valueOf() ?? toMs - 60 * minute) / minute) * minute
  return { type, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
}

function refusalOf(data: Props['data'], refId: string) {
  const error = data?.errors?.find((one) => one.refId === refId)
  const position = (error?.data as { readonly position?: number } | undefined)?.position
  return error?.message === undefined || position === undefined
    ? undefined
    : { message: error.message, position }
}

function withInvert(query: ProfileQuery, isInverted: boolean): Partial<ProfileQuery> {
  return { invert: isInverted, queryType: query.queryType }
}

function baselineWith(parts: {
  readonly labelSelector?: string | undefined
  readonly shift: string
  readonly from?: number
  readonly to?: number
}): Baseline {
  const { labelSelector, shift, from, to } = parts
  return {
    ...(labelSelector === undefined || labelSelector === '' ? {} : { labelSelector }),
    ...(shift === '' ? {} : { shift }),
    ...(from === undefined || to === undefined || shift !== '' ? {} : { from, to }),
  }
}

const momentText = (moment: number) => dateTime(moment).format('YYYY-MM-DD HH:mm:ss')

const stylesOf = (theme: GrafanaTheme2) => ({
  rows: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(1) }),
  row: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-start', gap: theme.spacing(1) }),
  inline: css({ margin: 0 }),
  /** Only for ears: a screen reader says it, nobody sees it. */
  heard: css({ position: 'absolute', width: 1, height: 1, overflow: 'hidden', clipPath: 'inset(50%)' }),
})
