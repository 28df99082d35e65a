// Where may metrics answer? HOST:PORT on loopback, or nowhere. Pure.
import { failure, type Result, success } from '#profile/model/result'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Parses HOST:PORT.
 *  in   text  "127.0.0.1:4041", "[::1]:4041", "localhost:0"
 *  out  undefined for "";  an error for what is no address or not on loopback */
export function parseListenAddress(text: string): Result<ListenAddress | undefined> {
  if (text === '') return success(undefined)
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535)
    return failure(`--metrics-listen ${text} is no HOST:PORT; for example --metrics-listen 127.0.0.1:4041`)
  if (host !== 'localhost' && host !== '::1' && !/^127(\.\d{1,3}){3}$/.test(host))
    return failure(
      `--metrics-listen ${text} is not on this machine alone; the agent answers on loopback, for example 127.0.0.1:${port}`,
    )
  return success({ host, port })
}
