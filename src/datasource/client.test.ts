import type { BackendSrv, BackendSrvRequest } from '@grafana/runtime'
import { firstValueFrom, NEVER, of, throwError } from 'rxjs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LabelsAnswer } from '#profile/wire/query-api'
import { createClient, QueryError } from './client.ts'

const LABELS: LabelsAnswer = { kind: 'labels', names: ['host'], series: [2] }
const TOP = { kind: 'top', name: ['spin'], self: [2] }

/** A BackendSrv that answers every fetch by `answer`, and remembers what it was asked. */
function backendSrv(answer: (request: BackendSrvRequest) => unknown) {
  const asked: BackendSrvRequest[] = []
  const fetch = (request: BackendSrvRequest) => {
    asked.push(request)
    return answer(request)
  }
  return { asked, backendSrv: { fetch } as unknown as BackendSrv }
}
const answering = (data: unknown, status = 200) => backendSrv(() => of({ data, status }))
const failing = (error: object) =>
  backendSrv((config) => throwError(() => ({ config, data: undefined, ...error })))

const errorOf = async (source: { readonly backendSrv: BackendSrv }): Promise<QueryError> => {
  try {
    await firstValueFrom(createClient({ url: '/proxy', ...source }).status())
  } catch (error) {
    return error as QueryError
  }
  throw new Error('no error came')
}

describe('createClient', () => {
  afterEach(() => void vi.useRealTimers())

  it('posts the fields of a query as JSON to its route below the data source, with an id of its own', async () => {
    const { asked, backendSrv: srv } = answering(LABELS)
    const client = createClient({ url: '/api/datasources/proxy/uid/x/', backendSrv: srv })
    const request = { query: '{host="a"}' }
    expect(await firstValueFrom(client.labels(request, { requestId: 'Q1-A' }))).toEqual(LABELS)
    expect(asked).toEqual([
      {
        url: '/api/datasources/proxy/uid/x/api/v1/labels',
        method: 'POST',
        data: request,
        requestId: 'Q1-A',
        showErrorAlert: false,
      },
    ])
  })

  it('asks /top, and takes nothing but a table of functions', async () => {
    const { asked, backendSrv: srv } = answering({ ...TOP })
    const client = createClient({ url: '', backendSrv: srv })
    expect(await firstValueFrom(client.top({ query: '{}', limit: 3 }))).toEqual(TOP)
    expect(asked[0]).toMatchObject({ url: '/api/v1/top', data: { query: '{}', limit: 3 } })
    const other = createClient({ url: '', backendSrv: answering(LABELS).backendSrv })
    await expect(firstValueFrom(other.top({}))).rejects.toThrow('"kind": "top"')
  })

  it('encodes a label name in the path', async () => {
    const { asked, backendSrv: srv } = answering(LABELS)
    await firstValueFrom(createClient({ url: '', backendSrv: srv }).labelValues('../status?', {}))
    expect(asked[0]?.url).toBe('/api/v1/labels/..%2Fstatus%3F/values')
  })

  it("shows the backend's own sentence, with its code and its place in the selector", async () => {
    const error = { code: 'invalid', message: 'unclosed string at 14', position: 14 }
    const said = await errorOf(failing({ status: 400, data: { error } }))
    expect(said).toBeInstanceOf(QueryError)
    expect(said).toMatchObject({
      message: 'unclosed string at 14',
      status: 400,
      code: 'invalid',
      position: 14,
    })
  })

  it('says that nothing answers when the proxy ends with 502 and an empty body', async () => {
    expect((await errorOf(failing({ status: 502, data: '' }))).message).toMatch(
      /could not be reached \(502\)/,
    )
  })

  it("passes on the proxy's own word", async () => {
    const said = await errorOf(
      failing({ status: 400, data: { message: 'Authentication to data source failed' } }),
    )
    expect(said.message).toBe('HTTP 400: Authentication to data source failed')
  })

  it('tells a cancelled request from a failed one', async () => {
    expect((await errorOf(failing({ status: -1, cancelled: true }))).message).toBe(
      'The request was cancelled.',
    )
  })

  it.each([['<html>Pyroscope</html>'], [{ kind: 'tree' }], [null], [{}]])(
    'refuses an answer of something else: %j',
    async (data) => {
      expect((await errorOf(answering(data))).message).toMatch(/not the answer of a Flametrail backend/)
    },
  )

  it('gives up after 25 s, before the proxy does', async () => {
    vi.useFakeTimers()
    const waiting = errorOf(backendSrv(() => NEVER))
    await vi.advanceTimersByTimeAsync(25_000)
    expect(await waiting).toMatchObject({ code: 'deadline', message: expect.stringContaining('within 25 s') })
  })
})
