// How does a tree leave as a profile? Every node that holds value of its own becomes one sample, every frame one location
// with one line: what pprof, OTLP and folded files want. buildTreeOfProfile is the way back.
import { ProfileBuilder, type ProfileHead } from '../model/builder.ts'
import { asId, type LocationId, NONE, type StackId } from '../model/ids.ts'
import type { Labels } from '../model/labels.ts'
import { type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import type { CallTree, FrameTable } from './call-tree.ts'

/** Turns a tree of call stacks, root first, into a profile of one label set and one moment.
 *  in   tree    self values become the samples' values as they stand, in `head.type`'s unit
 *  out  profile buildTreeOfProfile gives the same tree back. Addresses and line numbers are not there: a tree has none.
 *               Counts of folded nodes do not travel: "(folded)" is a function like others
 *  cost O(nodes + frames) */
export function profileOfTree(tree: CallTree, head: ProfileHead, labels: Labels = []): Profile {
  const builder = new ProfileBuilder()
  const labelSet = builder.labelSet(labels)
  const locationOf = locationsOf(builder, tree.frames)
  const stackAt: StackId[] = [asId(0)] // the open stack, by depth
  for (let node = 0; node < tree.depth.length; node++) {
    const depth = tree.depth[node]!
    if (depth > 0) stackAt[depth] = builder.stack(stackAt[depth - 1]!, locationOf[tree.frame[node]!]!)
    if (tree.self[node]! > 0)
      builder.sample({ stack: stackAt[depth]!, labelSet, value: tree.self[node]!, timeMs: head.timeMs })
  }
  return builder.build(head)
}

/** Row of the frame table → location; the root's row has none that is used. */
function locationsOf(builder: ProfileBuilder, frames: FrameTable): readonly LocationId[] {
  return frames.name.map((name, row) => {
    const mapping = frames.mapping[row]!
    const kind = frames.kind[row]!
    return builder.location({
      mapping: mapping === '' ? NONE : builder.mapping({ file: mapping }),
      addressHigh: 0,
      addressLow: 0,
      kind: kind === TRUNCATED_KIND && name !== TRUNCATED_NAME ? '' : kind, // that kind would rename the frame
      lines: [{ function: builder.function({ name, file: frames.file[row]! }), line: 0 }],
    })
  })
}
