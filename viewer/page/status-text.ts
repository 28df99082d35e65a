// What does the header say of the backend, in one line?
import type { StatusAnswer } from '#profile/wire/query-api'

/** `1 host · 12 services · last sample 6 s ago` */
export function statusText(status: StatusAnswer): string {
  const { store, nowMs, agents } = status
  if (store.newestMs === null) return `no sample yet · ${count(agents.length, 'agent')} seen`
  // The backend counts who reported lately: nobody, when the stream has stopped.
  const hosts = store.hosts === 0 ? [] : [count(store.hosts, 'host')]
  const services = store.services === 0 ? [] : [count(store.services, 'service')]
  return [...hosts, ...services, `last sample ${ago(nowMs - store.newestMs)}`].join(' · ')
}

const count = (many: number, what: string) => `${many} ${what}${many === 1 ? '' : 's'}`

function ago(lengthMs: number): string {
  const seconds = Math.max(0, Math.round(lengthMs / 1000))
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h ago`
  return `${Math.round(seconds / 86_400)} d ago`
}
