// Which series is this? A label set is sorted pairs of names and values; its canonical text is the identity of a series.
// Plain arrays and Maps, never object keys: a label may be named `__proto__`.

/** Pairs [name, value], sorted by name, names unique, no empty value (a missing label equals ""). */
export type Labels = readonly (readonly [name: string, value: string])[]

const byName = (one: readonly [string, string], other: readonly [string, string]) =>
  one[0] < other[0] ? -1 : one[0] > other[0] ? 1 : 0

/** Sorts pairs by name; of two with one name the last wins; empty values are left out.  cost O(n log n) */
export function labelsOf(pairs: Iterable<readonly [string, string]>): Labels {
  return [...new Map(pairs)].filter(([, value]) => value !== '').sort(byName)
}

/** The value of one label, "" where it is missing. */
export function labelValue(labels: Labels, name: string): string {
  for (const [other, value] of labels) if (other === name) return value
  return ''
}

/** Canonical text: equal exactly for equal label sets. JSON, so that no quoting rule is ours. */
export const labelsText = (labels: Labels): string => JSON.stringify(labels)
