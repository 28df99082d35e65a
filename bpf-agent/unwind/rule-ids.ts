// Which number has a rule on this host? Files share most of their rules: each distinct one stands once in the kernel, as
// long as a file uses it.
import { GAP_RULE, type KernelTables, RULE_BYTES } from './kernel-tables.ts'

export interface RuleIds {
  /** Numbers for the rules of one file, by their number in the file, each counted as one use. A rule for which there is
   *  no room becomes the gap, which means frame pointers; `refused` says how many.
   *  in   rules  8 bytes each; 0 is the gap */
  take(rules: Uint8Array): { readonly ids: Uint16Array; readonly refused: number }
  /** One use less of each; nobody may be reading rows of that file any more. */
  give(ids: Uint16Array): void
  readonly used: number
}

/** Writes the gap as rule 0. */
export function createRuleIds(kernel: Pick<KernelTables, 'sizes' | 'writeRule'>, gap: Uint8Array): RuleIds {
  const idByKey = new Map<string, number>()
  const keyById: string[] = []
  const uses: number[] = []
  const free: number[] = []
  kernel.writeRule(GAP_RULE, gap)
  const gapKey = keyOf(gap)
  keyById.push(gapKey)
  uses.push(1)

  function idOf(rule: Uint8Array): number {
    const key = keyOf(rule)
    if (key === gapKey) return GAP_RULE
    const known = idByKey.get(key)
    if (known !== undefined) {
      uses[known]!++
      return known
    }
    const id = free.pop() ?? (keyById.length < kernel.sizes.rules ? keyById.length : -1)
    if (id === -1) return -1
    kernel.writeRule(id, rule)
    idByKey.set(key, id)
    keyById[id] = key
    uses[id] = 1
    return id
  }

  return {
    take(rules) {
      const ids = new Uint16Array(rules.length / RULE_BYTES)
      let refused = 0
      for (let i = 1; i < ids.length; i++) {
        const id = idOf(rules.subarray(i * RULE_BYTES, (i + 1) * RULE_BYTES))
        if (id === -1) refused++
        ids[i] = id === -1 ? GAP_RULE : id
      }
      return { ids, refused }
    },
    give(ids) {
      for (const id of ids) {
        if (id === GAP_RULE || --uses[id]! > 0) continue
        idByKey.delete(keyById[id]!)
        free.push(id)
      }
    },
    get used() {
      return idByKey.size + 1
    },
  }
}

const keyOf = (rule: Uint8Array) => rule.join()
