// How does the command line ask a backend? One function over fetch; every way it can fail is a sentence with a cure.
import { readFileSync } from 'node:fs'
import { type ErrorAnswer, SERVER_HEADER } from '#profile/wire/query-api'
import { Refusal, UsageError } from './command.ts'

export interface Client {
  /** POSTs a request to /api/v1/<route> and gives its answer. throws Refusal */
  ask<Answer>(route: string, request: object): Promise<Answer>
  /** GETs /api/v1/<route>. throws Refusal */
  get<Answer>(route: string): Promise<Answer>
  /** POSTs a request to /api/v1/<route> and gives the file that it sends. throws Refusal */
  download(route: string, request: object): Promise<Uint8Array>
}

/** in  backend  http(s)://host:port;  tokenFile  "" or a file holding one token */
export function createClient(where: { readonly backend: string; readonly tokenFile: string }): Client {
  const base = checkUrl(where.backend)
  const headers = { 'content-type': 'application/json', ...authorization(where.tokenFile) }
  const send = async (route: string, init: RequestInit): Promise<Response> => {
    const url = new URL(`/api/v1/${route}`, base)
    let response: Response
    try {
      response = await fetch(url, {
        ...init,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(30_000),
      })
    } catch (error) {
      throw new Refusal(
        `no backend answers at ${base.origin} (${reason(error)}); start one with \`flametrail up\` or name another with --backend`,
      )
    }
    if (response.headers.get(SERVER_HEADER) === null)
      throw new Refusal(
        `something answers at ${base.origin}, but it is no Flametrail backend (Pyroscope uses 4040 too); name the right one with --backend`,
      )
    if (response.ok) return response
    throw new Refusal(((await response.json()) as ErrorAnswer).error.message)
  }
  const post = (route: string, request: object) =>
    send(route, { method: 'POST', body: JSON.stringify(request) })
  return {
    ask: async <Answer>(route: string, request: object) =>
      (await (await post(route, request)).json()) as Answer,
    get: async <Answer>(route: string) => (await (await send(route, { method: 'GET' })).json()) as Answer,
    download: async (route, request) => new Uint8Array(await (await post(route, request)).arrayBuffer()),
  }
}

function checkUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new UsageError(`--backend ${text} is no address; give one like http://127.0.0.1:4040`)
  return url
}

function authorization(tokenFile: string): Record<string, string> {
  if (tokenFile === '') return {}
  try {
    return { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` }
  } catch (error) {
    throw new Refusal(
      `--token-file ${tokenFile} cannot be read (${reason(error)}); create a token with \`flametrail token create --scope read\` and keep it in a file of your own`,
    )
  }
}

/** The innermost cause in a few words: ECONNREFUSED says more than "fetch failed". */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause, code } = error as Error & { cause?: unknown; code?: string }
  return code ?? (cause === undefined ? error.message : reason(cause))
}
