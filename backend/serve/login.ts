// How does a person get into the viewer where tokens are used? A form takes a read token once; the browser keeps it in a
// cookie that no script can read and no other site can send.
import { ServiceError } from '../errors.ts'
import { inflateBody } from '../ingest/inflate.ts'
import { type Gate, SESSION_COOKIE } from './auth.ts'
import { type Answer, type Ask, bodyChunks, bodyLength, type Route } from './route.ts'

const BODY = { bodyBytes: 4_096, decompressedBytes: 4_096, compressionRatio: 200 }
const DAY_S = 86_400

export function loginRoutes(gate: Gate): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/login',
      scope: 'login',
      isEarly: true,
      answer: async (ask) => {
        const secret = await readSecret(ask)
        gate.login({ headers: ask.incoming.headers, address: ask.address, nowMs: ask.receivedMs }, secret)
        return redirect(
          `${SESSION_COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${30 * DAY_S}`,
        )
      },
      encodeError: (error, ask) => (isForm(ask) ? loginPage(error) : { ...jsonError(error) }),
    },
    {
      method: 'POST',
      path: '/api/v1/logout',
      scope: 'any',
      isEarly: true,
      answer: () => redirect(`${SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`),
    },
  ]
}

const redirect = (cookie: string): Answer => ({
  status: 303,
  headers: { location: '/', 'set-cookie': cookie, 'content-type': 'text/plain; charset=utf-8' },
  body: '',
})

const jsonError = (error: ServiceError): Answer => ({
  status: error.httpStatus,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(error.toAnswer()),
})

const contentType = (ask: Ask) =>
  (ask.incoming.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
const isForm = (ask: Ask) => contentType(ask) === 'application/x-www-form-urlencoded'

/** The token of a form or of {"token": "…"}. Only what may stand in a cookie is a token. */
async function readSecret(ask: Ask): Promise<string> {
  const body = await inflateBody({
    chunks: bodyChunks(ask.incoming),
    encoding: ask.incoming.headers['content-encoding'],
    length: bodyLength(ask.incoming),
    limits: BODY,
  })
  const text = new TextDecoder().decode(body)
  const token: unknown = isForm(ask) ? new URLSearchParams(text).get('token') : jsonToken(text)
  if (typeof token !== 'string' || !/^[A-Za-z0-9_-]{1,200}$/.test(token.trim()))
    throw new ServiceError(
      'unauthenticated',
      'give a token as field "token", as flametrail token create prints it',
    )
  return token.trim()
}

function jsonToken(text: string): unknown {
  try {
    return (JSON.parse(text) as { token?: unknown } | null)?.token
  } catch (error) {
    if (error instanceof SyntaxError) return undefined // no JSON holds no token
    throw error
  }
}

/** The page that a browser sees instead of a 401. It runs no script and asks for nothing but the token. */
export function loginPage(error: ServiceError): Answer {
  return {
    status: error.httpStatus,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    },
    body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Flametrail: sign in</title>
<style>body{font:16px/1.5 system-ui;max-width:34rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}input,button{font:inherit;padding:.4rem .6rem}input{width:100%;box-sizing:border-box;margin:.5rem 0}</style>
<h1>Flametrail</h1><p role="alert">${escapeHtml(error.message)}</p>
<form method="post" action="/api/v1/login"><label>Token with scope read<input name="token" type="password" autocomplete="current-password" required autofocus></label><button>Sign in</button></form></html>
`,
  }
}

const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
