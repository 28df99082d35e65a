// How far has a file's code been moved in memory? One number per mapping: address in memory minus address in the ELF
// file, by the segment that the mapping shows.
import { SEGMENT_EXECUTABLE, SEGMENT_LOAD, type Segment } from '../elf/elf-file.ts'

/** The bias of an executable mapping; undefined when it shows no code of the file.
 *  A mapping begins at a page of the file, so it may begin before its segment and end behind it. Of several segments the
 *  one of which it shows most is meant.
 *  in   mapping  length in bytes, offset of its first byte in the file
 *  cost O(segments) */
export function biasOf(
  segments: readonly Segment[],
  mapping: { readonly start: number; readonly end: number; readonly offset: number },
): number | undefined {
  const length = mapping.end - mapping.start
  let best: Segment | undefined
  let bestBytes = 0
  for (const segment of segments) {
    if (segment.type !== SEGMENT_LOAD || (segment.flags & SEGMENT_EXECUTABLE) === 0) continue
    const from = Math.max(segment.offset, mapping.offset)
    const to = Math.min(segment.offset + segment.fileSize, mapping.offset + length)
    if (to - from <= bestBytes) continue
    best = segment
    bestBytes = to - from
  }
  return best && mapping.start - (best.address + mapping.offset - best.offset)
}
