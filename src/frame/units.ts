// What does Grafana call our units?

const GRAFANA_UNITS: ReadonlyMap<string, string> = new Map([
  ['nanoseconds', 'ns'],
  ['bytes', 'bytes'],
  ['count', 'short'],
  ['bytes/s', 'Bps'],
  ['count/s', 'cps'],
])

/** Grafana's id of a unit of ours; an unknown unit stays as it is, which Grafana prints behind the number. */
export const grafanaUnit = (unit: string): string => GRAFANA_UNITS.get(unit) ?? unit

/** Our name of one of Grafana's unit ids ("ns", "bytes", "short", …), for frames of other data sources. */
export function ownUnit(unit: string | undefined): string {
  if (unit === undefined || unit === 'short' || unit === 'none') return 'count'
  for (const [own, grafana] of GRAFANA_UNITS) if (grafana === unit) return own
  return unit
}
