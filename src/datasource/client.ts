// How does the plugin reach the backend? Only through Grafana's own fetch, so that its proxy, its logins and its inspector
// work; one typed call per route of the query API. Unsubscribing aborts the request.
import type { BackendSrv, FetchError, FetchResponse } from '@grafana/runtime'
import { catchError, map, type Observable, type OperatorFunction, throwError, timeout } from 'rxjs'
import type * as api from '#profile/wire/query-api'

/** Only a Flametrail backend sends this header. Typed by the contract, written here: importing the value would bring the
 *  backend's validator into the bundle. */
export const SERVER_HEADER: typeof api.SERVER_HEADER = 'x-flametrail-version'

/** Grafana's proxy gives up after 30 s without a word of why; before that the backend has said it itself. */
const DEADLINE_MS = 25_000

export interface CallOptions {
  /** Global in Grafana: of two requests with one id the first is cancelled. */
  readonly requestId?: string
}

export interface QueryClient {
  series(request: api.SeriesRequest, options?: CallOptions): Observable<api.SeriesAnswer>
  flame(request: api.TreeRequest, options?: CallOptions): Observable<api.TreeAnswer>
  iceberg(request: api.TreeRequest, options?: CallOptions): Observable<api.TreeAnswer>
  diff(request: api.DiffRequest, options?: CallOptions): Observable<api.DiffAnswer>
  top(request: api.TopRequest, options?: CallOptions): Observable<api.TopAnswer>
  labels(request: api.LabelsRequest, options?: CallOptions): Observable<api.LabelsAnswer>
  labelValues(label: string, request: api.LabelsRequest, options?: CallOptions): Observable<api.LabelsAnswer>
  profileTypes(request: api.ProfileTypesRequest, options?: CallOptions): Observable<api.ProfileTypesAnswer>
  status(options?: CallOptions): Observable<api.StatusAnswer>
}

/** in  url  of the data source as Grafana gives it ("" for the page's own origin), without a slash at its end */
export function createClient(parts: { readonly url: string; readonly backendSrv: BackendSrv }): QueryClient {
  const url = parts.url.replace(/\/+$/, '')
  const call = <Answer extends { readonly kind: string }>(
    kind: Answer['kind'],
    route: string,
    body: object | undefined,
    options: CallOptions = {},
  ): Observable<Answer> =>
    parts.backendSrv
      .fetch<Answer>({
        url: `${url}/api/v1/${route}`,
        method: body === undefined ? 'GET' : 'POST',
        ...(body === undefined ? {} : { data: body }),
        ...(options.requestId === undefined ? {} : { requestId: options.requestId }),
        showErrorAlert: false,
      })
      .pipe(
        timeout({ first: DEADLINE_MS, with: () => throwError(() => deadlinePassed(route)) }),
        answerOf<Answer>(kind),
        catchError((error: unknown) => throwError(() => QueryError.from(error))),
      )
  return {
    series: (request, options) => call('series', 'series', request, options),
    flame: (request, options) => call('tree', 'flame', request, options),
    iceberg: (request, options) => call('tree', 'iceberg', request, options),
    diff: (request, options) => call('diff', 'diff', request, options),
    top: (request, options) => call('top', 'top', request, options),
    labels: (request, options) => call('labels', 'labels', request, options),
    labelValues: (label, request, options) =>
      call('labels', `labels/${encodeURIComponent(label)}/values`, request, options),
    profileTypes: (request, options) => call('profile-types', 'profile-types', request, options),
    status: (options) => call('status', 'status', undefined, options),
  }
}

/** Why a call failed, in the backend's own sentence where it sent one. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  /** HTTP status; 0: no answer, -1: cancelled by a newer request. */
  readonly status: number
  readonly code: api.ErrorCode | undefined
  /** Zero-based position in the selector. */
  readonly position: number | undefined

  constructor(
    message: string,
    parts: {
      readonly status?: number
      readonly code?: api.ErrorCode
      readonly position?: number
      readonly cause?: unknown
    } = {},
  ) {
    super(message, { cause: parts.cause })
    this.status = parts.status ?? 0
    this.code = parts.code
    this.position = parts.position
  }

  static from(error: unknown): QueryError {
    if (error instanceof QueryError) return error
    if (!isFetchError(error)) {
      return new QueryError(error instanceof Error ? error.message : String(error), { cause: error })
    }
    const { status } = error
    const said = (error.data as Partial<api.ErrorAnswer> | undefined)?.error
    if (typeof said === 'object' && typeof said.message === 'string') {
      const { code, position } = said
      return new QueryError(said.message, {
        status,
        cause: error,
        ...(code === undefined ? {} : { code }),
        ...(position === undefined ? {} : { position }),
      })
    }
    return new QueryError(sentenceOf(error), { status, cause: error })
  }
}

/** The sentence for a failure that brought none of the backend's. */
function sentenceOf(error: FetchError): string {
  const { status, statusText } = error
  if (error.cancelled === true || status === -1) return 'The request was cancelled.'
  if (status === 0) return 'No answer: the connection failed.'
  if (status === 502 || status === 504) {
    return `The backend could not be reached (${status}). Is it running, and is the data source's URL right?`
  }
  const proxy = (error.data as { readonly message?: unknown } | undefined)?.message
  if (typeof proxy === 'string' && proxy !== '') return `HTTP ${status}: ${proxy}`
  return `HTTP ${status}${statusText ? ` ${statusText}` : ''}, without a word of a Flametrail backend.`
}

const deadlinePassed = (route: string) =>
  new QueryError(
    `No answer to /${route} within ${DEADLINE_MS / 1000} s. Ask for a shorter range or fewer series.`,
    {
      code: 'deadline',
    },
  )

function isFetchError(error: unknown): error is FetchError {
  return typeof error === 'object' && error !== null && 'status' in error && 'config' in error
}

/** Lets through only the answer that was asked for: anything may listen at a URL. */
function answerOf<Answer extends { readonly kind: string }>(
  kind: Answer['kind'],
): OperatorFunction<FetchResponse<Answer>, Answer> {
  return map(({ data, status }) => {
    if (typeof data === 'object' && data !== null && data.kind === kind) return data
    throw new QueryError(
      `HTTP ${status}, but not the answer of a Flametrail backend (expected "kind": "${kind}"). Is the URL that of a Flametrail backend?`,
      { status },
    )
  })
}
