// Which rows are shown, and in which order? Pure.
import type { TopView } from './view.ts'

export const SORTS = ['self', 'total', 'cores'] as const
/** `self`: by own time. `total`: with callees. `cores`: the service that keeps most cores busy first, its functions by own
 *  time beneath it. */
export type Sort = (typeof SORTS)[number]

/** Chooses and orders rows.
 *  in   filter  kept if function, binary or service contains it, in any case; "" keeps all
 *  out  row numbers; equal ones by name, so that nothing moves without a reason
 *  cost O(rows · log rows) */
export function orderRows(view: TopView, { sort, filter }: { readonly sort: Sort; readonly filter: string }) {
  const { name, mapping, service, self, total } = view.rows
  const wanted = filter.toLowerCase()
  const contains = (text: string) => text.toLowerCase().includes(wanted)
  const rows: number[] = []
  for (let row = 0; row < self.length; row++)
    if (wanted === '' || contains(name[row]!) || contains(mapping[row]!) || contains(service[row]!))
      rows.push(row)
  const bySelf = (one: number, other: number) => self[other]! - self[one]! || total[other]! - total[one]!
  const byTotal = (one: number, other: number) => total[other]! - total[one]! || self[other]! - self[one]!
  const ofService = (row: number) => view.services?.get(service[row]!) ?? 0
  const byService = (one: number, other: number) =>
    ofService(other) - ofService(one) || compareText(service[one]!, service[other]!) || bySelf(one, other)
  const compare = { self: bySelf, total: byTotal, cores: byService }[sort]
  return rows.sort(
    (one, other) =>
      compare(one, other) ||
      compareText(name[one]!, name[other]!) ||
      compareText(service[one]!, service[other]!) ||
      compareText(mapping[one]!, mapping[other]!),
  )
}

const compareText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
