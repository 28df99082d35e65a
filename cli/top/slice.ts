// What did the functions of each service do in one second? A named window becomes rows. Pure.
import { labelValue } from '#profile/model/labels'
import { type Profile, TRUNCATED_KIND } from '#profile/model/profile'
import { buildTree } from '#profile/tree/build'
import { frameTrie } from '#profile/tree/frame-trie'
import { functionTable } from '#profile/tree/functions'
import type { TopRows } from './view.ts'

export interface Slice {
  readonly seconds: number
  readonly samples: number
  /** Samples whose stack ends early. */
  readonly endEarly: number
  /** Samples of each service. */
  readonly services: ReadonlyMap<string, number>
  readonly rows: TopRows
}

/** Counts samples by function and service.
 *  in   profile  values in samples; undefined: none came
 *  out  rows of a service stand together. The marker of stacks that end early is no function: it has a row only where
 *       nothing else is known of a stack
 *  cost O(services · trie + frames) */
export function sliceOf(profile: Profile | undefined, seconds: number): Slice {
  const name: string[] = []
  const file: string[] = []
  const mapping: string[] = []
  const service: string[] = []
  const selves: number[] = []
  const totals: number[] = []
  const services = new Map<string, number>()
  let samples = 0
  let endEarly = 0
  if (profile !== undefined) {
    const { trie, nodeOfStack } = frameTrie(profile)
    for (const [owner, group] of samplesByService(profile, nodeOfStack)) {
      const tree = buildTree({
        trie,
        node: Uint32Array.from(group.node),
        sum: Float64Array.from(group.value),
      })
      const { frames } = tree
      const rows = functionTable(tree)
      services.set(owner, tree.total[0]!)
      samples += tree.total[0]!
      for (let i = 0; i < rows.frame.length; i++) {
        const frame = rows.frame[i]!
        if (frames.kind[frame] === TRUNCATED_KIND) {
          endEarly += rows.total[i]!
          if (rows.self[i] === 0) continue
        }
        name.push(frames.name[frame]!)
        file.push(frames.file[frame]!)
        mapping.push(frames.mapping[frame]!)
        service.push(owner)
        selves.push(rows.self[i]!)
        totals.push(rows.total[i]!)
      }
    }
  }
  const rows = {
    name,
    file,
    mapping,
    service,
    self: Float64Array.from(selves),
    total: Float64Array.from(totals),
  }
  return { seconds, samples, endEarly, services, rows }
}

function samplesByService({ samples, labelSets }: Profile, nodeOfStack: Uint32Array) {
  const owners = labelSets.map((labels) => labelValue(labels, 'service_name'))
  const groups = new Map<string, { readonly node: number[]; readonly value: number[] }>()
  for (let i = 0; i < samples.stack.length; i++) {
    const owner = owners[samples.labelSet[i]!]!
    const group = groups.get(owner) ?? { node: [], value: [] }
    groups.set(owner, group)
    group.node.push(nodeOfStack[samples.stack[i]!]!)
    group.value.push(samples.value[i]!)
  }
  return groups
}
