// Grafana's contract with a data source, one short method per item. It extends DataSourceWithBackend because parts of
// Grafana ask for exactly that class, and overrides all that would call a plugin backend: there is none.
import {
  type AdHocVariableFilter,
  CoreApp,
  type DataFrame,
  type DataQueryError,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceGetTagKeysOptions,
  type DataSourceGetTagValuesOptions,
  type DataSourceInstanceSettings,
  type DataSourceJsonData,
  type TimeRange as GrafanaTimeRange,
  type LegacyMetricFindQueryOptions,
  LoadingState,
  type MetricFindValue,
  type ScopedVars,
  type TestDataSourceResponse,
} from '@grafana/data'
import { type BackendSrv, DataSourceWithBackend, getBackendSrv, getTemplateSrv } from '@grafana/runtime'
import { catchError, firstValueFrom, forkJoin, map, type Observable, of, throwError } from 'rxjs'
import { ms, type TimeRange } from '#profile/model/units'
import type { LabelsRequest } from '#profile/wire/query-api'
import { seriesToFrames, topToFrame } from '../frame/series-to-frame.ts'
import { diffToFrame, treeToFrame } from '../frame/tree-to-frame.ts'
import { createClient, type QueryClient, QueryError } from './client.ts'
import { healthOf, healthOfFailure } from './health.ts'
import { isPublicDashboard } from './host-config.ts'
import { interpolateQuery, type Replacer, withFilters } from './interpolate.ts'
import {
  CPU_TYPE_ID,
  DEFAULT_QUERY,
  MAX_NODES,
  normalizeQuery,
  type ProfileQuery,
  queryText,
  queryTypeFor,
} from './query.ts'
import { baselineRange, widenRange } from './time-range.ts'
import { parseVariableQuery } from './variables.ts'

export interface ProfileOptions extends DataSourceJsonData {
  /** Nodes per profile at most; absent: 20,000. */
  readonly maxNodes?: number
}
export interface ProfileSecrets {
  /** Bearer token with the scope `read`: Grafana's proxy adds it, the browser never sees it. */
  readonly token?: string
}

/** What a shared dashboard answers: it needs a plugin backend, and there is none. */
const PUBLIC_DASHBOARD =
  'Profiles cannot be shown in a shared dashboard: Grafana lets only data sources with a plugin backend answer there.'

export class ProfileDataSource extends DataSourceWithBackend<ProfileQuery, ProfileOptions> {
  readonly client: QueryClient
  readonly #url: string
  readonly #maxNodes: number
  readonly #templateSrv: Replacer

  /** Grafana passes only the first; the services stand in for themselves so that tests can bring their own. */
  constructor(
    settings: DataSourceInstanceSettings<ProfileOptions>,
    parts: { readonly backendSrv?: BackendSrv; readonly templateSrv?: Replacer } = {},
  ) {
    super(settings)
    this.#url = settings.url ?? ''
    this.#maxNodes = settings.jsonData.maxNodes ?? MAX_NODES
    this.#templateSrv = parts.templateSrv ?? getTemplateSrv()
    this.client = createClient({ url: this.#url, backendSrv: parts.backendSrv ?? getBackendSrv() })
  }

  /** Every target answers or fails alone; the observable completes; unsubscribing aborts what is under way. */
  override query(request: DataQueryRequest<ProfileQuery>): Observable<DataQueryResponse> {
    if (isPublicDashboard()) return of(failed([{ message: PUBLIC_DASHBOARD }]))
    const targets = request.targets.filter((target) => this.filterQuery(target))
    if (targets.length === 0) return of({ data: [], state: LoadingState.Done })
    const fallback = this.getDefaultQuery(request.app as CoreApp).queryType
    const answers = targets.map((target) => {
      const asked = this.applyTemplateVariables(
        normalizeQuery(target, fallback),
        request.scopedVars,
        request.filters,
      )
      // Frames carry their query: with our own name in it, whatever the target called us (`${datasource}`), a panel can
      // ask again.
      const query = { ...asked, datasource: this.getRef() }
      return this.#answer(query, request).pipe(
        map((data): DataQueryResponse => ({ data })),
        catchError((error: unknown) => of(failed([errorOf(QueryError.from(error), query.refId)]))),
      )
    })
    return forkJoin(answers).pipe(
      map((responses) => {
        const data = responses.flatMap((response) => response.data)
        const errors = responses.flatMap((response) => response.errors ?? [])
        return errors.length === 0 ? { data, state: LoadingState.Done } : { ...failed(errors), data }
      }),
    )
  }

  #answer(query: ProfileQuery, request: DataQueryRequest<ProfileQuery>): Observable<DataFrame[]> {
    const asked = { fromMs: ms(request.range.from.valueOf()), toMs: ms(request.range.to.valueOf()) }
    const range = widenRange(asked)
    const call = (what: string) => ({ requestId: `${request.requestId}-${query.refId}-${what}` })
    const selection = selectionOf(query, range)
    const tree = { maxNodes: query.maxNodes ?? this.#maxNodes, path: [...(query.path ?? [])] }
    const { refId } = query

    const profile = () =>
      this.client[query.invert === true ? 'iceberg' : 'flame'](
        { ...selection, ...tree, groupBy: [...query.groupBy] },
        call('profile'),
      ).pipe(map((answer) => [noteRange(treeToFrame({ answer, query, refId }), range.isWidened)]))
    const metrics = () =>
      this.client
        .series(
          {
            ...selection,
            step: stepSeconds(request.intervalMs),
            group: [...query.groupBy],
            limit: query.limit ?? 20,
          },
          call('metrics'),
        )
        .pipe(map((answer) => seriesToFrames(answer, refId)))
    const diff = () => {
      const before = baselineRange(range, query.baseline)
      if (!before.ok) return throwError(() => new QueryError(before.error.message))
      const baseline = selectionOf(query, before.value, query.baseline?.labelSelector)
      const view = query.invert === true ? 'iceberg' : 'flame'
      return this.client
        .diff({ baseline, comparison: selection, ...tree, view }, call('diff'))
        .pipe(map((answer) => [noteRange(diffToFrame({ answer, query, refId }), range.isWidened)]))
    }

    const top = () =>
      this.client
        .top({ ...selection, limit: query.limit ?? 20 }, call('top'))
        .pipe(map((answer) => [noteRange(topToFrame(answer, refId), range.isWidened)]))

    const kind = queryTypeFor(query, request.panelPluginId)
    if (kind === 'metrics') return metrics()
    if (kind === 'diff') return diff()
    if (kind === 'top') return top()
    if (kind === 'profile') return profile()
    return forkJoin([metrics(), profile()]).pipe(map((frames) => frames.flat()))
  }

  override filterQuery(query: ProfileQuery): boolean {
    return query.hide !== true
  }

  override getDefaultQuery(app: CoreApp): typeof DEFAULT_QUERY & { queryType: ProfileQuery['queryType'] } {
    return {
      ...DEFAULT_QUERY,
      queryType: app === CoreApp.Explore ? 'both' : 'profile',
    } as typeof DEFAULT_QUERY
  }

  override getQueryDisplayText(query: ProfileQuery): string {
    return queryText(normalizeQuery(query))
  }

  override applyTemplateVariables(
    query: ProfileQuery,
    scopedVars: ScopedVars,
    filters?: AdHocVariableFilter[],
  ): ProfileQuery {
    return interpolateQuery(query, { templateSrv: this.#templateSrv, scopedVars, filters })
  }

  override interpolateVariablesInQueries(
    queries: ProfileQuery[],
    scopedVars: ScopedVars,
    filters?: AdHocVariableFilter[],
  ): ProfileQuery[] {
    return queries.map((query) => ({
      ...this.applyTemplateVariables(normalizeQuery(query), scopedVars, filters),
      datasource: this.getRef(),
    }))
  }

  override async testDatasource(): Promise<TestDataSourceResponse> {
    try {
      return healthOf(await firstValueFrom(this.client.status()))
    } catch (error) {
      return healthOfFailure(QueryError.from(error), this.#url)
    }
  }

  /** Pyroscope's three resources by its own names: parts of Grafana ask every profile data source for them. */
  override getResource<T = unknown>(path: string, params: Record<string, unknown> = {}): Promise<T> {
    return this.#resource(path, params) as Promise<T>
  }

  override postResource<T = unknown>(path: string, data: Record<string, unknown> = {}): Promise<T> {
    return this.#resource(path, data) as Promise<T>
  }

  async #resource(path: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
    const { query, label, labelName, start, from, end, to } = params
    const range = { from: timeOf(start ?? from, 'now-1h'), to: timeOf(end ?? to, 'now') }
    if (path === 'profileTypes') {
      const { types } = await firstValueFrom(this.client.profileTypes(range))
      return types.map(({ id, alias }) => ({ id, label: alias }))
    }
    const request = { ...range, query: typeof query === 'string' && query !== '' ? query : '{}' }
    if (path === 'labelNames') return (await firstValueFrom(this.client.labels(request))).names
    if (path === 'labelValues') {
      const name = String(label ?? labelName ?? '')
      return (await firstValueFrom(this.client.labelValues(name, request))).names
    }
    throw new QueryError(
      `There is no resource "${path}"; there are profileTypes, labelNames and labelValues.`,
    )
  }

  /** Variables: see variables.ts for the questions. */
  override async metricFindQuery(
    query: unknown,
    options: LegacyMetricFindQueryOptions = {},
  ): Promise<MetricFindValue[]> {
    const question = parseVariableQuery(query)
    if (!question.ok) throw new QueryError(question.error.message)
    const { value } = question
    if (value.kind === 'profileTypes') {
      const { types } = await firstValueFrom(this.client.profileTypes(rangeOf(options.range)))
      return types.map(({ id, alias }) => ({ text: alias, value: id }))
    }
    const selector = this.#templateSrv.replace(value.selector, options.scopedVars ?? {})
    const request = { ...rangeOf(options.range), query: selector }
    return value.kind === 'labelNames' ? this.#names(request) : this.#values(value.label, request)
  }

  override getTagKeys(options?: DataSourceGetTagKeysOptions<ProfileQuery>): Promise<MetricFindValue[]> {
    const query = withFilters('{}', options?.filters ?? [])
    return this.#names({ ...rangeOf(options?.timeRange), query })
  }

  override getTagValues(options: DataSourceGetTagValuesOptions<ProfileQuery>): Promise<MetricFindValue[]> {
    const others = options.filters.filter((filter) => filter.key !== options.key)
    return this.#values(options.key, { ...rangeOf(options.timeRange), query: withFilters('{}', others) })
  }

  async #names(request: LabelsRequest): Promise<MetricFindValue[]> {
    return (await firstValueFrom(this.client.labels(request))).names.map((text) => ({ text }))
  }

  async #values(label: string, request: LabelsRequest): Promise<MetricFindValue[]> {
    return (await firstValueFrom(this.client.labelValues(label, request))).names.map((text) => ({ text }))
  }
}

/** ISO text, because numbers are read by their count of digits. */
const isoOf = (moment: number) => new Date(moment).toISOString()

function selectionOf(query: ProfileQuery, range: TimeRange, selector = query.labelSelector) {
  const type = query.profileTypeId || CPU_TYPE_ID
  return { type, query: selector, from: isoOf(range.fromMs), to: isoOf(range.toMs) }
}

/** Whole windows of 10 s, no finer than the panel can draw. */
const stepSeconds = (intervalMs: number) => Math.max(1, Math.ceil(intervalMs / 10_000)) * 10

const rangeOf = (range: GrafanaTimeRange | undefined) =>
  range === undefined
    ? { from: 'now-1h', to: 'now' }
    : { from: isoOf(range.from.valueOf()), to: isoOf(range.to.valueOf()) }

const timeOf = (value: unknown, otherwise: string): string | number =>
  typeof value === 'number' || (typeof value === 'string' && value !== '') ? value : otherwise

function failed(errors: readonly DataQueryError[]): DataQueryResponse {
  // `errors` alone leaves a variable failing without a word: `error` has to stand beside it.
  return { data: [], errors: [...errors], error: errors[0]!, state: LoadingState.Error }
}

/** The backend's sentence and, for the editor, its place in the selector. */
function errorOf(error: QueryError, refId: string): DataQueryError {
  const { message, status, position } = error
  const data = position === undefined ? {} : { data: { message, position } }
  return { refId, message, status, ...data }
}

/** Says that the range was widened; the frame is ours and new, so it may be given a notice. */
function noteRange(frame: DataFrame, isWidened: boolean): DataFrame {
  if (!isWidened) return frame
  const text =
    'The range is shorter than the 10 s that samples are added up over: whole windows around it are shown.'
  const notices = [...(frame.meta?.notices ?? []), { severity: 'info' as const, text }]
  return { ...frame, meta: { ...frame.meta, notices } }
}
