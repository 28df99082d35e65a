// Where do profiles go, and may the token go there? A token travels over TLS, or to this very machine, never else.
import { failure, type Result, success } from '#profile/model/result'

export interface Endpoint {
  readonly url: URL
  /** Sent as `Authorization`; undefined: none. */
  readonly authorization: string | undefined
}

const PATH = '/v1development/profiles'

/** Checks the backend's address and the token.
 *  in   url    of the backend, a path prefix is kept: `https://host/flametrail`
 *       token  undefined or "": none
 *  out  the address of its OTLP route, or what is wrong and the cure. The token never stands in a message. */
export function endpointOf(url: string, token: string | undefined): Result<Endpoint> {
  if (!URL.canParse(url))
    return failure(`backend "${url}" is not a URL; give one such as http://127.0.0.1:4040`)
  const base = new URL(url)
  if (base.username !== '' || base.password !== '')
    return failure(
      'the backend URL holds a user or password; put the token into a file and give --token-file',
    )
  if (base.protocol !== 'http:' && base.protocol !== 'https:')
    return failure(`backend "${url}" uses ${base.protocol.slice(0, -1)}; only http and https are spoken`)
  const hasToken = token !== undefined && token !== ''
  if (hasToken && !/^[\x21-\x7e]+$/.test(token))
    return failure('the token holds characters that no header may hold; is the token file the right one?')
  if (hasToken && base.protocol === 'http:' && !isLoopback(base.hostname))
    return failure(
      `will not send the token to ${base.host} without TLS; use https://${base.host}, or a backend on this machine`,
    )
  const prefix = base.pathname.replace(/\/+$/, '')
  return success({
    url: new URL((prefix.endsWith(PATH) ? prefix : prefix + PATH) + base.search, base),
    authorization: hasToken ? `Bearer ${token}` : undefined,
  })
}

function isLoopback(host: string): boolean {
  // The URL parser has already brought 127.1 and 0x7f000001 into dotted form.
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(host)
  )
}
