// How do numbers become Prometheus' text? One function per metric family; names and label values come from strangers
// now and then, so values are escaped and names are ours.
import type { Histogram } from './ledger.ts'

/** Labels of one point, and its value. */
export type Point = readonly [labels: Readonly<Record<string, string>>, value: number]

export interface Family {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly lines: readonly string[]
}

/** A family of counters or gauges; `flametrail_backend_` goes in front of the name. */
export function family(
  kind: 'counter' | 'gauge',
  name: string,
  help: string,
  points: readonly Point[],
): Family {
  const full = `flametrail_backend_${name}`
  return { name: full, help, kind, lines: points.map(([labels, value]) => line(full, labels, value)) }
}

/** A family of histograms, one per label set. */
export function histograms(
  name: string,
  help: string,
  parts: readonly (readonly [labels: Readonly<Record<string, string>>, histogram: Histogram])[],
): Family {
  const full = `flametrail_backend_${name}`
  const lines = parts.flatMap(([labels, histogram]) => {
    const { bounds, counts, count, sum } = histogram.read()
    return [
      ...bounds.map((bound, i) => line(`${full}_bucket`, { ...labels, le: String(bound) }, counts[i]!)),
      line(`${full}_bucket`, { ...labels, le: '+Inf' }, count),
      line(`${full}_sum`, labels, sum),
      line(`${full}_count`, labels, count),
    ]
  })
  return { name: full, help, kind: 'histogram', lines }
}

/** The text of /metrics, version 0.0.4. */
export function printMetrics(families: readonly Family[]): string {
  return families
    .flatMap(({ name, help, kind, lines }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${kind}`,
      ...lines,
      '',
    ])
    .join('\n')
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeValue(text)}"`)
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${Number.isFinite(value) ? value : 'NaN'}`
}

const escapeValue = (text: string) =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
