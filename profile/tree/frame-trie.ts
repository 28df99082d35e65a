// What does a reader see of a stack? Functions: inlined calls become frames of their own, addresses of one function
// become one frame, and call sites merge. So a trie of locations turns into a smaller trie of frames.
import { type MappingTable, type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import type { FrameTrie } from './call-tree.ts'
import { FrameTableBuilder } from './frame-table.ts'
import { TrieBuilder } from './trie-builder.ts'

/** Folds the stacks of a profile by function.
 *  out  trie         nodes are (caller, function); function means name, source file and base name of the mapping
 *       nodeOfStack  StackId → node where the stack's leaf frame stands
 *  cost O(lines + Σ frames of all stack nodes) */
export function frameTrie(profile: Profile): { readonly trie: FrameTrie; readonly nodeOfStack: Uint32Array } {
  const { parent, location } = profile.stacks
  const { frames, frameStart, frameOf } = framesOfLocations(profile)
  const trie = new TrieBuilder()
  const nodeOfStack = new Uint32Array(parent.length)
  for (let stack = 1; stack < parent.length; stack++) {
    let node = nodeOfStack[parent[stack]!]!
    const at = location[stack]!
    for (let i = frameStart[at]!; i < frameStart[at + 1]!; i++) node = trie.child(node, frameOf[i]!)
    nodeOfStack[stack] = node
  }
  return { trie: { frames: frames.table(), ...trie.columns() }, nodeOfStack }
}

/** Frames of location i: rows frameStart[i] … frameStart[i + 1] - 1 of `frameOf`, outermost first; at least one each. */
function framesOfLocations(profile: Profile) {
  const { strings, functions, mappings, locations, lines } = profile
  const frames = new FrameTableBuilder()
  const mappingNames = mappingNamesOf(mappings, strings)
  const frameStart = new Uint32Array(locations.mapping.length + 1)
  const frameOf: number[] = []
  for (let i = 0; i < locations.mapping.length; i++) {
    const kind = strings[locations.kind[i]!]!
    const mapping = mappingNames[locations.mapping[i]!] ?? ''
    if (kind === TRUNCATED_KIND) frameOf.push(frames.add({ name: TRUNCATED_NAME, kind }))
    else {
      const unnamed = () =>
        addressName({ mapping, high: locations.addressHigh[i]!, low: locations.addressLow[i]! })
      for (let line = locations.lineStart[i + 1]! - 1; line >= locations.lineStart[i]!; line--) {
        const id = lines.function[line]!
        const name = strings[functions.name[id]!]! || strings[functions.systemName[id]!]! || unnamed()
        frameOf.push(frames.add({ name, file: strings[functions.file[id]!]!, mapping, kind }))
      }
      if (locations.lineStart[i] === locations.lineStart[i + 1])
        frameOf.push(frames.add({ name: unnamed(), mapping, kind }))
    }
    frameStart[i + 1] = frameOf.length
  }
  return { frames, frameStart, frameOf }
}

const mappingNamesOf = (mappings: MappingTable, strings: readonly string[]): readonly string[] =>
  Array.from(mappings.file, (file) => baseName(strings[file]!))

/** The last part of a path; a path that ends in "/" stays whole. */
export function baseName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === '' ? path : name
}

/** What a location without a function is called: "libc.so.6+0x1f3a0", or "0x1f3a0" without a mapping.
 *  in  mapping: base name;  high, low: halves of the ELF address */
export function addressName(location: {
  readonly mapping: string
  readonly high: number
  readonly low: number
}): string {
  const { mapping, high, low } = location
  const hex = high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, '0')
  return mapping === '' ? `0x${hex}` : `${mapping}+0x${hex}`
}

/** Whether a name is one that `addressName` made: an address, not a function. */
export const isAddressName = (name: string): boolean => /(^|\+)0x[0-9a-f]+$/.test(name)
