// How do tests write and read what was mapped when? For tests only.
import type { MappedRow, Timeline } from './timeline.ts'

/** A mapping of 0x1000 bytes of a file that is known by its path. */
export const library = (
  path: string,
  start: number,
  { end = start + 0x1000, offset = 0 } = {},
): MappedRow => ({
  ...{ start, end, offset, path },
  file: path.startsWith('[') ? '' : `8:1:${path}`,
})

/** Generations, newest first: `2 since 30: app 1000-2000 app 5000-6000 beta.so`. */
export function drawTimeline(timeline: Timeline): string[] {
  return timeline.map(({ number, sinceMs, executable, mappings }) => {
    const rows = mappings.path.map((path, i) => {
      const [start, end, offset] = [mappings.start, mappings.end, mappings.offset].map((column) => column[i]!)
      const place = `${start!.toString(16)}-${end!.toString(16)}`
      return `${place} ${path}${offset === 0 ? '' : `+${offset!.toString(16)}`}`
    })
    return `${number} since ${sinceMs}: ${[executable, ...rows].join(' | ')}`
  })
}
