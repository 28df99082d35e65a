// What does the page ask the backend besides its profiles? How it is, and to be let in.
import type { ErrorAnswer, StatusAnswer } from '#profile/wire/query-api'
import { pageUrl } from '../host/environment.ts'

/** out  undefined while the backend cannot be reached or asks for a token: the queries say why */
export async function readStatus(signal: AbortSignal): Promise<StatusAnswer | undefined> {
  try {
    const answer = await fetch(`${pageUrl}api/v1/status`, { signal })
    return answer.ok ? ((await answer.json()) as StatusAnswer) : undefined
  } catch (error) {
    // The network's and the parser's refusals, and our own abort; anything else is a mistake of ours.
    if (error instanceof TypeError || error instanceof SyntaxError || error instanceof DOMException)
      return undefined
    throw error
  }
}

/** Trades a token for a cookie.  out  undefined when it was taken, else why not */
export async function login(token: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`${pageUrl}api/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    })
    if (answer.ok) return undefined
    const said = (await answer.json()) as Partial<ErrorAnswer>
    return said.error?.message ?? `HTTP ${answer.status}`
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError)
      return `No answer of the backend: ${error.message}`
    throw error
  }
}
