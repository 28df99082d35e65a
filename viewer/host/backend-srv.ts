// How does the data source fetch where there is no Grafana? The part of Grafana's BackendSrv that plugins use, by the
// browser's fetch, to the page's own origin. Unsubscribing aborts; of two requests with one id the older is cancelled.
import type { BackendSrv, BackendSrvRequest, FetchError, FetchResponse } from '@grafana/runtime'
import { lastValueFrom, Observable } from 'rxjs'

export interface BackendSrvParts {
  readonly baseUrl: string
  /** Called when an answer says that nobody is logged in. */
  readonly onUnauthenticated: () => void
}

export function createBackendSrv({ baseUrl, onUnauthenticated }: BackendSrvParts): BackendSrv {
  const running = new Map<string, AbortController>()

  const fetchOnce = <T>(request: BackendSrvRequest): Observable<FetchResponse<T>> =>
    new Observable((subscriber) => {
      const controller = new AbortController()
      const { requestId } = request
      if (requestId !== undefined) {
        running.get(requestId)?.abort()
        running.set(requestId, controller)
      }
      send<T>(request, baseUrl, controller.signal)
        .then(
          (response) => {
            subscriber.next(response)
            subscriber.complete()
          },
          (error: FetchError) => {
            if (error.status === 401) onUnauthenticated()
            subscriber.error(error)
          },
        )
        .finally(() => {
          if (requestId !== undefined && running.get(requestId) === controller) running.delete(requestId)
        })
      return () => controller.abort()
    })

  const dataOf = async <T>(request: BackendSrvRequest): Promise<T> =>
    (await lastValueFrom(fetchOnce<T>(request))).data
  return {
    fetch: fetchOnce,
    get: (url, params, requestId, options) =>
      dataOf({ ...options, url, params, method: 'GET', ...(requestId === undefined ? {} : { requestId }) }),
    post: (url, data, options) => dataOf({ ...options, url, data, method: 'POST' }),
    put: (url, data, options) => dataOf({ ...options, url, data, method: 'PUT' }),
    patch: (url, data, options) => dataOf({ ...options, url, data, method: 'PATCH' }),
    delete: (url, data, options) => dataOf({ ...options, url, data, method: 'DELETE' }),
    request: (options) => dataOf(options),
    datasourceRequest: (options) => lastValueFrom(fetchOnce(options)),
    chunked: () => {
      throw new Error('the viewer streams no answers')
    },
  }
}

async function send<T>(
  request: BackendSrvRequest,
  baseUrl: string,
  signal: AbortSignal,
): Promise<FetchResponse<T>> {
  const url = new URL(request.url.replace(/^\//, ''), baseUrl)
  for (const [name, value] of Object.entries(request.params ?? {})) url.searchParams.set(name, String(value))
  const failure = (parts: Partial<FetchError>): FetchError => ({
    status: 0,
    data: undefined,
    config: request,
    ...parts,
  })
  const answer = await fetch(url, {
    method: request.method ?? 'GET',
    headers: {
      ...request.headers,
      ...(request.data === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(request.data === undefined ? {} : { body: JSON.stringify(request.data) }),
    credentials: 'same-origin',
    signal,
  }).catch((error: Error) => {
    throw failure(signal.aborted ? { status: -1, cancelled: true } : { message: error.message })
  })
  const text = await answer.text().catch((error: Error) => {
    throw failure(signal.aborted ? { status: -1, cancelled: true } : { message: error.message })
  })
  const data = parseBody(text)
  const { status, statusText } = answer
  if (!answer.ok) throw failure({ status, statusText, data })
  return {
    data: data as T,
    status,
    statusText,
    ok: true,
    headers: answer.headers,
    redirected: answer.redirected,
    type: answer.type,
    url: answer.url,
    config: request,
  }
}

/** JSON where it is JSON, the text itself where it is not: whoever asked says what is wrong with it. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}
