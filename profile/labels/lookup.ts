// Which stored label does a name in a query mean? The exact name first; else the stored name that reads the same once dots
// and dashes are underscores, since PromQL and most dashboards cannot write `service.name`; else a relative by custom.
// The first that is there wins, per series. Nothing is rewritten where it is stored.
import type { Labels } from '../model/labels.ts'

/** Two names that different agents give to one thing; the first is OTel's, as an alias. */
const FAMILIES: readonly (readonly [string, string])[] = [
  ['k8s_namespace_name', 'namespace'],
  ['k8s_pod_name', 'pod'],
  ['k8s_container_name', 'container'],
  ['k8s_node_name', 'node'],
  ['service_version', 'version'],
]
const RELATIVE = new Map(
  FAMILIES.flatMap(([one, other]): [string, string][] => [
    [one, other],
    [other, one],
  ]),
)

/** The name as PromQL can write it: each character outside [A-Za-z0-9_] becomes "_". */
export const aliasOf = (name: string): string => name.replace(/[^A-Za-z0-9_]/g, '_')

/** The value that `name` means in a label set, "" where nothing answers to it: exact, then alias, then family; of several
 *  labels with one alias the first by name.
 *  cost  O(characters of all names); an exact hit costs O(labels) */
export function findLabel(labels: Labels, name: string): string {
  for (const [stored, value] of labels) if (stored === name) return value
  for (const [stored, value] of labels) if (haveOneAlias(stored, name)) return value
  const relative = RELATIVE.get(aliasOf(name))
  if (relative !== undefined)
    for (const [stored, value] of labels) if (haveOneAlias(stored, relative)) return value
  return ''
}

/** aliasOf(one) === aliasOf(other), without making either: this runs per label, series and query. */
function haveOneAlias(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  for (let i = 0; i < one.length; i++)
    if (one[i] !== other[i] && (isWord(one.charCodeAt(i)) || isWord(other.charCodeAt(i)))) return false
  return true
}

/** A letter or digit. "_" is left out: it equals what any other character becomes. */
const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
