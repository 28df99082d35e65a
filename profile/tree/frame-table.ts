// Which frames are the same function, and in which order do they stand? Name, file and mapping decide both; the kind only
// travels along. Row 0 is always the root's "total", which no function shares, whatever its name.
import { FOLDED_NAME, type FrameTable, ROOT_NAME } from './call-tree.ts'

export interface FrameSpec {
  readonly name: string
  readonly file?: string
  readonly mapping?: string
  readonly kind?: string
}

/** Collects frames, equal ones once. cost per call: one text key */
export class FrameTableBuilder {
  readonly #name: string[] = [ROOT_NAME]
  readonly #file: string[] = ['']
  readonly #mapping: string[] = ['']
  readonly #kind: string[] = ['']
  readonly #ids = new Map<string, number>()

  /** The row of a frame, appended if it is new. Of two kinds of one function the greater text stays, so that the order of
   *  adding does not matter. */
  add({ name, file = '', mapping = '', kind = '' }: FrameSpec): number {
    const key = `${name.length} ${file.length} ${name}${file}${mapping}` // lengths first: no separator can be forged
    const known = this.#ids.get(key)
    if (known !== undefined) {
      if (kind > this.#kind[known]!) this.#kind[known] = kind
      return known
    }
    const id = this.#name.push(name) - 1
    this.#file.push(file)
    this.#mapping.push(mapping)
    this.#kind.push(kind)
    this.#ids.set(key, id)
    return id
  }

  /** Adds all rows of a table; out: its rows → rows here. */
  addTable({ name, file, mapping, kind }: FrameTable): Uint32Array {
    const ids = new Uint32Array(name.length)
    for (let i = 1; i < name.length; i++)
      ids[i] = this.add({ name: name[i]!, file: file[i]!, mapping: mapping[i]!, kind: kind[i]! })
    return ids
  }

  table(): FrameTable {
    return {
      name: [...this.#name],
      file: [...this.#file],
      mapping: [...this.#mapping],
      kind: [...this.#kind],
    }
  }
}

/** Whether a row is the rest that pruning left: the one frame that stands behind all its siblings. */
export const isFoldedFrame = (frames: FrameTable, row: number): boolean =>
  frames.name[row] === FOLDED_NAME && frames.file[row] === '' && frames.mapping[row] === ''

/** The table with a "(folded)" row, and which row that is. */
export function withFoldedFrame(frames: FrameTable): {
  readonly frames: FrameTable
  readonly folded: number
} {
  for (let row = 1; row < frames.name.length; row++)
    if (isFoldedFrame(frames, row)) return { frames, folded: row }
  const { name, file, mapping, kind } = frames
  return {
    frames: {
      name: [...name, FOLDED_NAME],
      file: [...file, ''],
      mapping: [...mapping, ''],
      kind: [...kind, ''],
    },
    folded: name.length,
  }
}

/** Keeps the frames that `frame` uses and the root's, in the order in which siblings stand: by name, file, mapping (UTF-16
 *  code units), "(folded)" last. So the new ids compare as the frames do.
 *  out  frames, and `frame` in the new ids;  cost O(frames · log frames + nodes) */
export function compactFrames(
  frames: FrameTable,
  frame: Uint32Array,
): { readonly frames: FrameTable; readonly frame: Uint32Array } {
  const isUsed = new Uint8Array(frames.name.length)
  for (let i = 0; i < frame.length; i++) isUsed[frame[i]!] = 1
  const rows: number[] = []
  for (let row = 1; row < isUsed.length; row++) if (isUsed[row] === 1) rows.push(row)
  rows.sort((one, other) => compareFrames(frames, one, other))
  rows.unshift(0)
  const idOf = new Uint32Array(isUsed.length)
  rows.forEach((row, id) => {
    idOf[row] = id
  })
  const pick = (column: readonly string[]) => rows.map((row) => column[row]!)
  return {
    frames: {
      name: pick(frames.name),
      file: pick(frames.file),
      mapping: pick(frames.mapping),
      kind: pick(frames.kind),
    },
    frame: frame.map((row) => idOf[row]!),
  }
}

function compareFrames(frames: FrameTable, one: number, other: number): number {
  const oneFolded = isFoldedFrame(frames, one)
  if (oneFolded !== isFoldedFrame(frames, other)) return oneFolded ? 1 : -1
  return (
    compareText(frames.name[one]!, frames.name[other]!) ||
    compareText(frames.file[one]!, frames.file[other]!) ||
    compareText(frames.mapping[one]!, frames.mapping[other]!)
  )
}

const compareText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
