// How does an agent's accounting travel? As attributes of a resource without profiles: cumulative counters, so that a lost
// request loses no count. They are never labels.
import type { AgentReport } from '../model/accounting.ts'
import type { Attributes } from './otlp-labels.ts'

export const REPORT_SERVICE = 'flametrail-agent'
const DROPPED = 'flametrail.samples.dropped.'
const STOPS = 'flametrail.samples.stops.'
const NUMBERS = {
  startedMs: 'flametrail.started_ms',
  reportedMs: 'flametrail.reported_ms',
  frequencyHz: 'flametrail.frequency_hz',
  cpus: 'flametrail.cpus',
  expected: 'flametrail.samples.expected',
  idle: 'flametrail.samples.idle',
  received: 'flametrail.samples.received',
} as const
const ID_BYTES_MAX = 256 // host names end at 253
const REASONS_MAX = 128 // there are some twenty

/** The attributes of a report, in a fixed order. */
export function reportToAttributes(report: AgentReport): readonly (readonly [string, string | number])[] {
  return [
    ['service.name', REPORT_SERVICE],
    ['service.instance.id', report.agentId],
    ['host.name', report.host],
    ['flametrail.version', report.version],
    ...Object.entries(NUMBERS).map(([field, name]): [string, number] => [
      name,
      report[field as keyof typeof NUMBERS],
    ]),
    ...Array.from(report.dropped, ([reason, count]): [string, number] => [DROPPED + reason, count]),
    ...Array.from(report.stops, ([stop, count]): [string, number] => [STOPS + stop, count]),
  ]
}

/** Do these attributes belong to a report? */
export const isReport = (attributes: Attributes): boolean => attributes.has(NUMBERS.expected)

/** Reads a report; a sentence if a counter is missing, not a number, negative or beyond 2^53. */
export function reportFromAttributes(attributes: Attributes): AgentReport | string {
  const text = (name: string) => attributes.get(name)?.text ?? ''
  const [agentId, host] = [text('service.instance.id'), text('host.name')]
  if (agentId === '' || agentId.length > ID_BYTES_MAX || host.length > ID_BYTES_MAX)
    return `an agent's report needs service.instance.id and host.name of at most ${ID_BYTES_MAX} characters`
  const wrong: string[] = []
  const count = (name: string): number => {
    const value = attributes.has(name) ? Number(text(name) || Number.NaN) : Number.NaN
    const isCount = value >= 0 && value <= Number.MAX_SAFE_INTEGER
    if (!isCount) wrong.push(`${name.slice(0, 80)} is ${text(name).slice(0, 40) || 'missing'}`)
    return isCount ? value : 0
  }
  const counts = (prefix: string) =>
    new Map(
      Array.from(attributes.keys())
        .filter((name) => name.startsWith(prefix))
        .slice(0, REASONS_MAX)
        .map((name): [string, number] => [name.slice(prefix.length, prefix.length + 64), count(name)]),
    )
  const report: AgentReport = {
    host,
    agentId,
    version: text('flametrail.version').slice(0, 64),
    startedMs: count(NUMBERS.startedMs),
    reportedMs: count(NUMBERS.reportedMs),
    frequencyHz: count(NUMBERS.frequencyHz),
    cpus: count(NUMBERS.cpus),
    expected: count(NUMBERS.expected),
    idle: count(NUMBERS.idle),
    received: count(NUMBERS.received),
    dropped: counts(DROPPED),
    stops: counts(STOPS),
  }
  return wrong.length === 0 ? report : `an agent's report has wrong counters: ${wrong.slice(0, 5).join(', ')}`
}
