// Is the right thing at the other end, and is it alive? One sentence per case, for "Save & test".
import type { TestDataSourceResponse } from '@grafana/data'
import type { StatusAnswer } from '#profile/wire/query-api'
import type { QueryError } from './client.ts'

/** Profiles come every 10 s; after this long something is wrong. */
const STALE_MS = 5 * 60_000

/** What a status answer says of the backend's health.  in  nowMs  by the backend's own clock, if in doubt */
export function healthOf(status: StatusAnswer): TestDataSourceResponse {
  const { version, store, agents, nowMs } = status
  if (store.newestMs === null) {
    return {
      status: 'success',
      message: `Connected to ${version}, no profile yet, agents seen: ${agents.length}. Run \`flametrail doctor\` on a host.`,
    }
  }
  const ageMs = Math.max(0, nowMs - store.newestMs)
  if (ageMs > STALE_MS) {
    const last = agents.reduce<(typeof agents)[number] | undefined>(
      (latest, agent) => (latest === undefined || agent.lastSeenMs > latest.lastSeenMs ? agent : latest),
      undefined,
    )
    const host = last === undefined ? '' : ` from ${last.host}`
    return {
      status: 'success',
      message: `Connected to ${version}, but the last profile came ${spanText(ageMs)} ago${host}. Run \`flametrail doctor\` there.`,
    }
  }
  const counts = `${count(store.hosts, 'host')}, ${count(store.services, 'service')}`
  return {
    status: 'success',
    message: `Connected to ${version}: ${counts}, ${spanText(store.retention.ageMs)} kept, last profile ${spanText(ageMs)} ago`,
  }
}

/** What a failed probe means.  in  url  as the administrator typed it */
export function healthOfFailure(error: QueryError, url: string): TestDataSourceResponse {
  return { status: 'error', message: sentenceOf(error, url || 'this address') }
}

function sentenceOf(error: QueryError, url: string): string {
  const isCertificate = /certificate|x509|tls:/i.test(error.message)
  if (isCertificate) return `The certificate of ${url} is not trusted. Add its CA under TLS.`
  const isRefused =
    error.status === 401 || error.status === 403 || /Authentication to data source failed/.test(error.message)
  if (isRefused) {
    return 'The backend refused this token: it needs the scope `read` (`flametrail token create --scope read`).'
  }
  if (error.code !== undefined && error.code !== 'deadline') return error.message
  if (error.status <= 0 || error.status === 502 || error.status === 504) {
    return `Grafana cannot reach ${url} from its server. In compose the address is http://backend:4040, not localhost.`
  }
  return `Something answers at ${url}, but not a Flametrail backend (Pyroscope uses 4040 too).`
}

const count = (many: number, what: string) => `${many} ${what}${many === 1 ? '' : 's'}`

/** A length of time in its largest whole unit: 6 s, 43 min, 7 d. */
export function spanText(lengthMs: number): string {
  const seconds = Math.round(lengthMs / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
