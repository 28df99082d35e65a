// Who asks, and may they? With tokens: a bearer token, a password, or the viewer's cookie, and its scopes. Without, which
// is only possible on loopback or on the operator's explicit word: no web page of a browser may reach us, neither across
// sites nor by a name that was rebound to this address.
import type { IncomingHttpHeaders } from 'node:http'
import { ServiceError } from '../errors.ts'
import { type TokenBook, type TokenScope, tokenId } from './tokens.ts'

/** What a route asks of its caller. 'none': health, one word each. 'login': the doors, which look at tokens themselves.
 *  'any': some token, as where there is no route at all. */
export type RouteScope = TokenScope | 'none' | 'login' | 'any'

export interface Caller {
  /** "open" where no tokens are used, else the token's id: for logs. */
  readonly id: string
}
/** What the gate looks at. */
export interface Knock {
  readonly headers: IncomingHttpHeaders
  /** Peer address. */
  readonly address: string
  readonly nowMs: number
}
export interface Gate {
  /** Lets a request through to a route of this scope.
   *  throws ServiceError unauthenticated, forbidden (naming the scope) or rate_limited */
  admit(knock: Knock, scope: RouteScope): Caller
  /** Is this a token, of whatever scope? Counts failures as `admit` does.  throws ServiceError */
  login(knock: Knock, secret: string): void
  /** Wrong tokens since the start. */
  failures(): number
  readonly usesTokens: boolean
}

export const SESSION_COOKIE = 'flametrail_token'
const MINUTE_MS = 60_000
const ADDRESSES_MAX = 4_096 // 100 bytes each; the one that failed longest ago is forgotten first

/** in  book      undefined: no tokens
 *      hosts     further names under which this server may be asked, without port
 *      isOpen    the operator allowed anyone off loopback: the Host header is not looked at
 *      failuresPerMinute  wrong tokens per address before 429 */
export function createGate(parts: {
  readonly book: TokenBook | undefined
  readonly hosts: readonly string[]
  readonly isOpen: boolean
  readonly failuresPerMinute: number
  /** Told of refused tokens, by their id and never by their secret. */
  readonly audit: (line: string) => void
}): Gate {
  const { book, hosts, isOpen, failuresPerMinute, audit } = parts
  const recent = new Map<string, number[]>()
  let failures = 0

  const fail = (knock: Knock, secret: string): ServiceError => {
    failures++
    const times = (recent.get(knock.address) ?? []).filter((time) => knock.nowMs - time < MINUTE_MS)
    recent.delete(knock.address)
    recent.set(knock.address, times)
    if (recent.size > ADDRESSES_MAX) recent.delete(recent.keys().next().value!)
    if (times.length >= failuresPerMinute) {
      const retryAfterS = Math.max(1, Math.ceil((times[0]! + MINUTE_MS - knock.nowMs) / 1_000))
      return new ServiceError(
        'rate_limited',
        `${failuresPerMinute} wrong tokens from this address within a minute; wait ${retryAfterS} s`,
        { key: 'limits.authFailuresPerMinute', limit: failuresPerMinute, retryAfterS },
      )
    }
    times.push(knock.nowMs)
    audit(`audit: refused a token (${tokenId(secret) ?? 'malformed'}) from ${knock.address}`)
    return new ServiceError(
      'unauthenticated',
      'the token is not valid here; create one with: flametrail token create',
    )
  }

  const admitByToken = (book: TokenBook, knock: Knock, scope: TokenScope | 'any'): Caller => {
    const secret = secretOf(knock.headers)
    if (secret === undefined)
      throw new ServiceError(
        'unauthenticated',
        `this backend wants a token${scope === 'any' ? '' : ` with scope ${scope}`}: send "Authorization: Bearer flt_…"; create one with: flametrail token create`,
      )
    const entry = book.check(secret.value, knock.nowMs)
    if (entry === undefined) throw fail(knock, secret.value)
    if (secret.isCookie) checkBrowser(knock.headers)
    if (scope !== 'any' && !entry.scopes.includes(scope))
      throw new ServiceError(
        'forbidden',
        `token ${entry.id} has scope ${entry.scopes.join(', ')}; this route wants scope ${scope}`,
      )
    return { id: entry.id }
  }

  return {
    usesTokens: book !== undefined,
    failures: () => failures,
    admit(knock, scope) {
      if (scope === 'none') return OPEN
      checkTenant(knock.headers)
      if (book !== undefined && scope !== 'login') return admitByToken(book, knock, scope)
      if (book === undefined && !isOpen) checkHost(knock.headers, hosts)
      checkBrowser(knock.headers)
      return OPEN
    },
    login(knock, secret) {
      if (book !== undefined && book.check(secret, knock.nowMs) === undefined) throw fail(knock, secret)
    },
  }
}

const OPEN: Caller = { id: 'open' }

/** The secret a request carries. A scheme without a value counts as absent: some clients send an empty token. */
function secretOf(headers: IncomingHttpHeaders): { value: string; isCookie: boolean } | undefined {
  const [scheme = '', value = ''] = (headers.authorization ?? '').trim().split(/\s+/, 2)
  if (value !== '' && scheme.toLowerCase() === 'bearer') return { value, isCookie: false }
  if (value !== '' && scheme.toLowerCase() === 'basic') {
    const text = Buffer.from(value, 'base64').toString('utf8')
    const password = text.slice(text.indexOf(':') + 1)
    if (password !== '') return { value: password, isCookie: false }
  } else if (value !== '') return { value: '', isCookie: false } // another scheme: credentials, and wrong ones
  for (const pair of (headers.cookie ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (pair.slice(0, equals).trim() !== SESSION_COOKIE) continue
    const cookie = pair.slice(equals + 1).trim()
    if (cookie !== '') return { value: cookie, isCookie: true }
  }
  return undefined
}

/** There is one tenant so far; a sender that names another one would find its data mixed with ours. */
function checkTenant(headers: IncomingHttpHeaders): void {
  const tenant = headers['x-scope-orgid']
  if (tenant === undefined || tenant === 'default' || tenant === 'anonymous') return
  throw new ServiceError(
    'forbidden',
    `X-Scope-OrgID "${String(tenant).slice(0, 64)}": the only tenant here is "default"; leave the header out`,
  )
}

/** Against DNS rebinding: a page that made its own name point here still sends that name. */
function checkHost(headers: IncomingHttpHeaders, hosts: readonly string[]): void {
  const name = hostName(headers.host ?? '')
  if (isLoopbackName(name) || hosts.some((host) => host.toLowerCase() === name)) return
  throw new ServiceError(
    'forbidden',
    `Host "${(headers.host ?? '').slice(0, 100)}" is no name of this server; use localhost or add it with --server-hosts ${name.slice(0, 100)}`,
  )
}

/** Against pages of other sites: browsers say where a request comes from, other clients send nothing. */
function checkBrowser(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'none' && site !== 'same-origin')
    throw new ServiceError(
      'forbidden',
      `a web page of another site (Sec-Fetch-Site ${site}) may not ask this server`,
    )
  const origin = headers.origin
  if (origin === undefined) return
  const own = (headers.host ?? '').toLowerCase()
  if (URL.canParse(origin) && own !== '' && new URL(origin).host === stripDefaultPort(own)) return
  throw new ServiceError(
    'forbidden',
    `a web page of another origin (${origin.slice(0, 100)}) may not ask this server`,
  )
}

const stripDefaultPort = (host: string) => host.replace(/:80$/, '')

/** "[::1]:4040" → "::1", "LocalHost:4040" → "localhost". */
function hostName(host: string): string {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](:\d+)?$/.exec(host)
  return (bracketed?.[1] ?? host.replace(/:\d+$/, '')).toLowerCase()
}

/** True for localhost and the loopback addresses, which no DNS name can stand for. */
export function isLoopbackName(name: string): boolean {
  const bare = name.toLowerCase()
  return bare === 'localhost' || bare === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare)
}
