// Who may do what? A file of tokens, one a line: id, SHA-256, scopes, expiry. The secret itself is shown once and kept
// nowhere; it is 32 random bytes, so that a plain hash is enough. The file is read again when it changes.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'

export const TOKEN_SCOPES = ['read', 'write', 'metrics', 'admin'] as const
export type TokenScope = (typeof TOKEN_SCOPES)[number]

/** One line of the token file. */
export interface TokenEntry {
  /** 12 hex digits: names the token in lists and logs, is no secret. */
  readonly id: string
  readonly scopes: readonly TokenScope[]
  /** undefined: never. */
  readonly expires: Date | undefined
  readonly created: Date
}
interface StoredToken extends TokenEntry {
  readonly hash: Uint8Array
}

/** A token file that cannot be used: the message names the file and the cure. */
export class TokenFileError extends Error {
  override readonly name = 'TokenFileError'
}

const HEADER =
  '# Flametrail tokens, one a line: id, SHA-256, scopes, expires, created. Made by: flametrail token create\n'
const TOKEN = /^flt_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/
const FILE_BYTES_MAX = 4 * 1024 * 1024 // some 30,000 tokens

/** Makes a token and appends its line to the file, which is created with mode 0600 if need be.
 *  out  the token, to be shown once;  throws TokenFileError for a bad scope, a past expiry or an unusable file */
export function createToken(request: {
  readonly file: string
  readonly scopes: readonly string[]
  readonly expires?: Date | undefined
  readonly now?: Date
}): { readonly token: string; readonly id: string } {
  const { file, expires, now = new Date() } = request
  const scopes = parseScopes(request.scopes)
  if (expires !== undefined && expires <= now)
    throw new TokenFileError(`the token would expire at ${expires.toISOString()}, which is past`)
  const isNew = statOf(file) === undefined
  if (!isNew) readTokenFile(file)
  const id = randomBytes(6).toString('hex')
  const token = `flt_${id}_${randomBytes(32).toString('base64url')}`
  const line = printEntry({ id, scopes, expires, created: now, hash: hashOf(token) })
  // One short append is atomic beside another: two commands at once lose no line. An editor may have left the last line
  // open, so ours begins a new one; empty lines are nothing.
  try {
    appendFileSync(file, (isNew ? HEADER : '\n') + line, { mode: 0o600, flag: 'a' })
  } catch (error) {
    throw new TokenFileError(`token file ${file} cannot be written: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return { token, id }
}

/** All tokens of a file, in its order, expired ones too.  throws TokenFileError */
export function listTokens(file: string): readonly TokenEntry[] {
  return readTokenFile(file).map(publicEntry)
}

/** Takes a token out of the file by its id. A backend that runs sees it within a second.
 *  out  false: no such id;  throws TokenFileError */
export function revokeToken(file: string, id: string): boolean {
  const entries = readTokenFile(file)
  const kept = entries.filter((entry) => entry.id !== id)
  if (kept.length === entries.length) return false
  const fresh = `${file}.${process.pid}.new`
  const handle = openSync(fresh, 'w', 0o600)
  try {
    writeSync(handle, HEADER + kept.map(printEntry).join(''))
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(fresh, file)
  return true
}

/** The tokens of a running backend. */
export interface TokenBook {
  /** The entry a secret belongs to; undefined if it is malformed, unknown or expired. Equal work for all of these. */
  check(secret: string, nowMs: number): TokenEntry | undefined
}

/** Opens a token file for a backend; looks for changes at most once a second. A file that turns bad while running is
 *  reported to `complain` once per change, and the tokens read before stay in force.  throws TokenFileError */
export function openTokenBook(file: string, complain: (message: string) => void): TokenBook {
  let byId = index(readTokenFile(file))
  let mark = fileMark(file)
  let lookedMs = 0
  const nobody = new Uint8Array(randomBytes(32))
  const reload = () => {
    const seen = fileMark(file)
    if (seen === mark) return
    mark = seen
    try {
      byId = index(readTokenFile(file))
    } catch (error) {
      if (!(error instanceof TokenFileError)) throw error
      complain(`${error.message}; the tokens read before stay in force`)
    }
  }
  return {
    check(secret, nowMs) {
      if (Math.abs(nowMs - lookedMs) >= 1_000) {
        lookedMs = nowMs
        reload()
      }
      const id = tokenId(secret)
      const entry = id === undefined ? undefined : byId.get(id)
      const isEqual = timingSafeEqual(hashOf(secret), entry?.hash ?? nobody)
      const isAlive = entry?.expires === undefined || nowMs < entry.expires.getTime()
      return entry !== undefined && isEqual && isAlive ? publicEntry(entry) : undefined
    },
  }
}

/** The id within a secret, which is no secret itself; undefined if it does not look like a token. */
export const tokenId = (secret: string): string | undefined => TOKEN.exec(secret)?.[1]

/** Checks words against the closed list of scopes; sorted, without repeats.  throws TokenFileError */
export function parseScopes(words: readonly string[]): readonly TokenScope[] {
  for (const word of words)
    if (!(TOKEN_SCOPES as readonly string[]).includes(word))
      throw new TokenFileError(`unknown scope ${JSON.stringify(word)}; allowed: ${TOKEN_SCOPES.join(', ')}`)
  if (words.length === 0)
    throw new TokenFileError(`a token needs a scope; allowed: ${TOKEN_SCOPES.join(', ')}`)
  return TOKEN_SCOPES.filter((scope) => words.includes(scope))
}

function readTokenFile(file: string): readonly StoredToken[] {
  const stat = statOf(file)
  if (stat === undefined)
    throw new TokenFileError(
      `token file ${file} does not exist; make one with: flametrail token create --token-file ${file} --scope write`,
    )
  if (!stat.isFile()) throw new TokenFileError(`token file ${file} is not a regular file`)
  if ((stat.mode & 0o077) !== 0)
    throw new TokenFileError(
      `token file ${file} has mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}, others can read it; chmod 0600 ${file}`,
    )
  if (stat.size > FILE_BYTES_MAX)
    throw new TokenFileError(`token file ${file} has ${stat.size} bytes; the limit is ${FILE_BYTES_MAX}`)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new TokenFileError(`token file ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
  const entries: StoredToken[] = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    entries.push(parseEntry(line, `${file} line ${i + 1}`))
  }
  return entries
}

function parseEntry(line: string, place: string): StoredToken {
  const [id = '', hash = '', scopes = '', expires = '', created = ''] = line.trim().split(/\s+/)
  const expiry = expires === '-' ? undefined : new Date(expires)
  const made = new Date(created)
  const isWhole = /^[0-9a-f]{12}$/.test(id) && /^[0-9a-f]{64}$/.test(hash)
  if (!isWhole || Number.isNaN(expiry?.getTime()) || Number.isNaN(made.getTime()))
    throw new TokenFileError(
      `${place} is no token; a line holds id, SHA-256, scopes, expires (or -), created, as flametrail token create writes it`,
    )
  return {
    id,
    hash: new Uint8Array(Buffer.from(hash, 'hex')),
    scopes: parseScopes(scopes.split(',')),
    expires: expiry,
    created: made,
  }
}

const printEntry = ({ id, hash, scopes, expires, created }: StoredToken) =>
  `${id} ${Buffer.from(hash).toString('hex')} ${scopes.join(',')} ${expires?.toISOString() ?? '-'} ${created.toISOString()}\n`

const publicEntry = ({ id, scopes, expires, created }: StoredToken): TokenEntry => ({
  id,
  scopes,
  expires,
  created,
})
const hashOf = (secret: string) => new Uint8Array(createHash('sha256').update(secret).digest())
const index = (entries: readonly StoredToken[]) => new Map(entries.map((entry) => [entry.id, entry]))

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })
  } catch (error) {
    throw new TokenFileError(`token file ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** Changes whenever the file may have changed. */
function fileMark(file: string): string {
  try {
    const stat = statSync(file)
    return `${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.mode}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable' // reading it, next, says why in a sentence
  }
}
