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
      encodeError: (error, ask) => (isForm(ask) ? loginPage(error, ask) : { ...jsonError(error) }),
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

const STYLE = [
  'body{font:15px/1.5 Inter,system-ui,sans-serif;color-scheme:light dark;background:light-dark(#f4f5f5,#111217);margin:0}',
  'main{max-width:26rem;margin:14vh auto;padding:1.5rem 2rem;background:light-dark(#fff,#181b1f);border:1px solid light-dark(#e4e5e6,#2c3036);border-radius:6px}',
  'h1{margin:0;font-size:1.4rem;border-bottom:3px solid #f2622e;display:inline-block}',
  'input,button{font:inherit;padding:.45rem .7rem;border-radius:4px;border:1px solid light-dark(#c7c8c9,#44474d)}',
  'input{width:100%;box-sizing:border-box;margin:.4rem 0 .8rem}',
  'button{background:#b8400e;border-color:#b8400e;color:#fff;cursor:pointer}',
  'small{opacity:.8}',
].join('')

/** The page that a browser sees instead of a 401. It runs no script and asks for nothing but the token. */
export function loginPage(error: ServiceError, ask: Ask): Answer {
  // Who has tried nothing yet made no mistake; the sentence for programs would not help them.
  const words = isForm(ask) ? error.message : 'Sign in with a token of the scope read.'
  return {
    status: error.httpStatus,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    },
    body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Flametrail: sign in</title>
<style>${STYLE}</style>
<main><h1>Flametrail</h1><p role="alert">${escapeHtml(words)}</p>
<form method="post" action="/api/v1/login"><label>Token<input name="token" type="password" autocomplete="current-password" required autofocus></label><button>Sign in</button></form>
<p><small>Make one where the backend runs: <code>flametrail token create --scope read --token-file FILE</code></small></p></main></html>
`,
  }
}

const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
