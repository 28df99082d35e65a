// How are values, shares and differences written? With a unit, a sign where it matters, and never more digits than a
// reader compares.

const NANOSECONDS: readonly (readonly [number, string])[] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
]
const BYTES: readonly (readonly [number, string])[] = [
  [2 ** 40, 'TiB'],
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
  [1, 'B'],
]

export type Format = (value: number) => string

/** A formatter for values of a unit ("nanoseconds", "bytes", "count", or any other word).
 *  in   suffix   what was counted, behind the unit: 278 s CPU */
export function makeFormat(unit: string, suffix = ''): Format {
  const behind = suffix === '' ? '' : ` ${suffix}`
  if (unit === 'nanoseconds') return (value) => scaled(value, NANOSECONDS) + behind
  if (unit === 'bytes') return (value) => scaled(value, BYTES) + behind
  if (unit === 'count') return (value) => grouped(value) + behind
  return (value) => `${grouped(value)} ${unit}${behind}`
}

function scaled(value: number, steps: readonly (readonly [number, string])[]): string {
  if (value === 0) return `0 ${steps[0]![1] === 's' ? 's' : steps.at(-1)![1]}`
  const size = Math.abs(value)
  const [factor, unit] = steps.find(([least]) => size >= least) ?? steps.at(-1)!
  return `${threeDigits(value / factor)} ${unit}`
}

/** Three significant digits below 1,000, whole numbers above. */
function threeDigits(value: number): string {
  const size = Math.abs(value)
  if (size === 0 || size >= 99.95) return grouped(Math.round(value))
  return value.toFixed(size >= 9.995 ? 1 : 2)
}

/** A number with its thousands apart: 12,480. */
export function grouped(value: number): string {
  const [whole, fraction] = String(Math.round(value * 100) / 100).split('.') as [string, string | undefined]
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? apart : `${apart}.${fraction}`
}

/** A share (0 to 1) in percent: "34.2 %"; what is there but rounds to nothing reads "<0.1 %". */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–'
  if (share === 0) return '0 %'
  if (share > 0 && share < 0.0005) return '<0.1 %'
  if (share > 0.9995) return share >= 1 ? '100 %' : '99.9 %'
  return `${(share * 100).toFixed(1)} %`
}

/** A difference of two shares in percentage points, with its sign: "+14.2 pt". */
export function points(difference: number): string {
  const rounded = Math.round(difference * 1000) / 10
  if (rounded === 0) return '±0.0 pt'
  return `${rounded > 0 ? '+' : '−'}${Math.abs(rounded).toFixed(1)} pt`
}

/** The mark that stands beside every colour of a diff: ▲ more, ▼ less, nothing where the points round to zero. */
export function mark(difference: number): '▲' | '▼' | '' {
  const rounded = Math.round(difference * 1000)
  return rounded > 0 ? '▲' : rounded < 0 ? '▼' : ''
}
