// What do the ids of one store file mean? Strings, functions, mappings, locations and stacks, each kept once and numbered
// densely; and, derived from them, the trie of frames on which every query folds:
//
//   stacks, by location (kept)            frames, by function (derived)
//   1 main+0x10                           1 main
//   ├─ 2 work+0x24                        └─ 2 work      nodeOfStack: 1→1, 2→2, 3→2
//   └─ 3 work+0x88  (another call site)
//
// A dictionary is a closed world: its ids mean nothing beside another file.

import { GrowingColumn } from '#profile/model/growing-column'
import { NONE } from '#profile/model/ids'
import type { Profile } from '#profile/model/profile'
import { TRUNCATED_KIND, TRUNCATED_NAME } from '#profile/model/profile'
import { type FrameTable, type FrameTrie, ROOT_NAME } from '#profile/tree/call-tree'
import { addressName, baseName } from '#profile/tree/frame-trie'
import { ServiceError } from '../errors.ts'
import { TupleTable } from './tuple-table.ts'
import { wellFormed } from './well-formed.ts'

/** Frames of one stack, inlining expanded. A call tree keeps its depth in 16 bits; no program comes near. */
const DEPTH_MAX = 32_767

/** Texts kept once, numbered from 0, which is "". */
export class Texts {
  readonly list: string[] = ['']
  readonly #ids = new Map<string, number>([['', 0]])

  intern(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    this.#ids.set(text, this.list.length)
    return this.list.push(text) - 1
  }
}

/** Columns of the kept tables, in order of id, as a file gives them back. */
export interface DictionaryRows {
  readonly string: readonly string[]
  readonly func: readonly ArrayLike<number>[]
  readonly mapping: readonly ArrayLike<number>[]
  readonly line_list: readonly ArrayLike<number>[]
  readonly location: readonly ArrayLike<number>[]
  readonly stack: readonly ArrayLike<number>[]
}

/** cost 8 B a stack, 8 B of slots, 16 B a frame node; interning a known stack is one probe per location not seen in the request */
export class Dictionary {
  readonly strings = new Texts()
  /** name, systemName, file, startLine. */
  readonly functions = new TupleTable(4)
  /** file, buildId. */
  readonly mappings = new TupleTable(2)
  /** rest, function, line: a list of lines as a chain, innermost inlined function at its head; 0 is the empty list. */
  readonly lineLists = new TupleTable(3)
  /** mapping, address high, address low, kind, line list. */
  readonly locations = new TupleTable(5)
  /** parent, location; 0 is the empty stack. */
  readonly stacks = new TupleTable(2)

  readonly #frameTexts = new Texts()
  /** name, file, mapping, as frame texts; 0 is the root. */
  readonly #frames = new TupleTable(3)
  readonly #frameTable = { name: [ROOT_NAME], file: [''], mapping: [''], kind: [''] }
  /** parent, frame; 0 is the root. */
  readonly #nodes = new TupleTable(2)
  readonly #nodeDepth = new GrowingColumn(new Uint16Array(64))
  /** Frames of location i, outermost first: rows frameStart[i] … frameStart[i + 1] - 1 of frameList. */
  readonly #frameStart = new GrowingColumn(new Uint32Array(64))
  readonly #frameList = new GrowingColumn(new Uint32Array(64))
  readonly #nodeOfStack = new GrowingColumn(new Uint32Array(64))

  constructor() {
    this.lineLists.intern(NONE, NONE, NONE)
    this.stacks.intern(NONE, NONE)
    this.#frames.intern(this.#frameTexts.intern(ROOT_NAME), NONE, NONE)
    this.#nodes.intern(NONE, 0)
    this.#nodeDepth.push(0)
    this.#frameStart.push(0)
    this.#nodeOfStack.push(0)
  }

  /** The trie of frames as of now; it stays right while the dictionary grows. */
  trie(): FrameTrie {
    const parent = this.#nodes.column(0)
    return {
      frames: this.#frameTable satisfies FrameTable,
      parent: new Int32Array(parent.buffer, parent.byteOffset, parent.length),
      frame: this.#nodes.column(1),
    }
  }

  /** Trie node of every stack, as of now. */
  nodeOfStack(): Uint32Array {
    return this.#nodeOfStack.view()
  }

  internLocation(mapping: number, high: number, low: number, kind: number, lineList: number): number {
    const before = this.locations.count
    const id = this.locations.intern(mapping, high, low, kind, lineList)
    if (this.locations.count > before) this.#addFramesOfLocation(id)
    return id
  }

  /** Throws ServiceError `invalid` for a stack of more than 32,767 frames. */
  internStack(parent: number, location: number): number {
    const known = this.stacks.idOf(parent, location)
    if (known !== NONE) return known
    const node = this.#nodeBelow(this.#nodeOfStack.at(parent), location)
    this.#nodeOfStack.push(node)
    return this.stacks.intern(parent, location)
  }

  /** Fills an empty dictionary from a file. Throws an Error naming the broken relation if the rows do not fit together. */
  load(rows: DictionaryRows): void {
    for (const text of rows.string.slice(1)) this.strings.intern(text)
    assertEqual(this.strings.list.length, Math.max(1, rows.string.length), 'distinct strings')
    const strings = this.strings.list.length
    loadChecked(this.functions, rows.func, 'func', [strings, strings, strings, 2 ** 32])
    loadChecked(this.mappings, rows.mapping, 'mapping', [strings, strings])
    const own = 'own id'
    loadChecked(this.lineLists, rows.line_list.map(withoutFirst), 'line_list', [
      own,
      this.functions.count,
      2 ** 32,
    ])
    const mappings = this.mappings.count
    const location = [mappings, 2 ** 32, 2 ** 32, strings, this.lineLists.count]
    loadChecked(this.locations, rows.location, 'location', location)
    for (let id = 0; id < this.locations.count; id++) this.#addFramesOfLocation(id)
    loadChecked(this.stacks, rows.stack.map(withoutFirst), 'stack', [own, this.locations.count])
    for (let id = 1; id < this.stacks.count; id++)
      this.#nodeOfStack.push(
        this.#nodeBelow(this.#nodeOfStack.at(this.stacks.at(0, id)), this.stacks.at(1, id)),
      )
  }

  #nodeBelow(parent: number, location: number): number {
    let node = parent
    const end = this.#frameStart.at(location + 1)
    for (let i = this.#frameStart.at(location); i < end; i++) {
      const before = this.#nodes.count
      const depth = this.#nodeDepth.at(node) + 1
      if (depth > DEPTH_MAX)
        throw new ServiceError('invalid', `a stack has more than ${DEPTH_MAX} frames; send shorter stacks`)
      node = this.#nodes.intern(node, this.#frameList.at(i))
      if (this.#nodes.count > before) this.#nodeDepth.push(depth)
    }
    return node
  }

  // As `frameTrie` does for one profile: names, order and identity of frames must be the same.
  #addFramesOfLocation(id: number): void {
    const { locations, lineLists, functions } = this
    const text = (string: number) => this.strings.list[string]!
    const row = locations.at(0, id)
    const mapping = row === NONE >>> 0 ? '' : baseName(text(this.mappings.at(0, row)))
    const kind = text(locations.at(3, id))
    if (kind === TRUNCATED_KIND) this.#frameList.push(this.#frame(TRUNCATED_NAME, '', '', kind))
    else {
      const unnamed = () => addressName({ mapping, high: locations.at(1, id), low: locations.at(2, id) })
      const inner: number[] = []
      for (let list = locations.at(4, id); list !== 0; list = lineLists.at(0, list)) {
        const called = lineLists.at(1, list)
        const name = text(functions.at(0, called)) || text(functions.at(1, called)) || unnamed()
        inner.push(this.#frame(name, text(functions.at(2, called)), mapping, kind))
      }
      if (inner.length === 0) inner.push(this.#frame(unnamed(), '', mapping, kind))
      for (let i = inner.length - 1; i >= 0; i--) this.#frameList.push(inner[i]!)
    }
    this.#frameStart.push(this.#frameList.length)
  }

  #frame(name: string, file: string, mapping: string, kind: string): number {
    const texts = this.#frameTexts
    const before = this.#frames.count
    const id = this.#frames.intern(texts.intern(name), texts.intern(file), texts.intern(mapping))
    const table = this.#frameTable
    if (this.#frames.count > before) {
      table.name.push(name)
      table.file.push(file)
      table.mapping.push(mapping)
      table.kind.push(kind)
    } else if (kind > table.kind[id]!) table.kind[id] = kind // whichever came first, the greater text stays
    return id
  }
}

/** Maps the ids of one request to those of a dictionary, interning what the samples use and nothing else. */
export class RequestInterner {
  readonly #dictionary: Dictionary
  #profile: Profile | undefined
  #strings = new Int32Array(0)
  #functions = new Int32Array(0)
  #mappings = new Int32Array(0)
  #locations = new Int32Array(0)
  #stacks = new Int32Array(0)

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary
  }

  /** Turns to the tables of a profile; profiles that share tables by reference share the work done. */
  use(profile: Profile): void {
    const same = this.#profile !== undefined && haveSameTables(this.#profile, profile)
    this.#profile = profile
    if (same) return
    const fresh = (length: number) => new Int32Array(length).fill(NONE)
    this.#strings = fresh(profile.strings.length)
    this.#functions = fresh(profile.functions.name.length)
    this.#mappings = fresh(profile.mappings.file.length)
    this.#locations = fresh(profile.locations.mapping.length)
    this.#stacks = fresh(profile.stacks.parent.length)
    this.#stacks[0] = 0
  }

  /** The dictionary's id of a stack of the profile in use. */
  stack(leaf: number): number {
    const { parent, location } = this.#profile!.stacks
    const pending: number[] = []
    for (let stack = leaf; this.#stacks[stack] === NONE; stack = parent[stack]!) pending.push(stack)
    for (let i = pending.length - 1; i >= 0; i--) {
      const stack = pending[i]!
      const caller = this.#stacks[parent[stack]!]!
      this.#stacks[stack] = this.#dictionary.internStack(caller, this.#location(location[stack]!))
    }
    return this.#stacks[leaf]!
  }

  #location(id: number): number {
    const known = this.#locations[id]!
    if (known !== NONE) return known
    const { locations, lines } = this.#profile!
    const mapping = locations.mapping[id]!
    let list = 0
    for (let i = locations.lineStart[id + 1]! - 1; i >= locations.lineStart[id]!; i--)
      list = this.#dictionary.lineLists.intern(list, this.#function(lines.function[i]!), lines.line[i]!)
    const own = this.#dictionary.internLocation(
      mapping === NONE ? NONE : this.#mapping(mapping),
      locations.addressHigh[id]!,
      locations.addressLow[id]!,
      this.#string(locations.kind[id]!),
      list,
    )
    this.#locations[id] = own
    return own
  }

  #function(id: number): number {
    const known = this.#functions[id]!
    if (known !== NONE) return known
    const { name, systemName, file, startLine } = this.#profile!.functions
    const own = this.#dictionary.functions.intern(
      this.#string(name[id]!),
      this.#string(systemName[id]!),
      this.#string(file[id]!),
      startLine[id]!,
    )
    this.#functions[id] = own
    return own
  }

  #mapping(id: number): number {
    const known = this.#mappings[id]!
    if (known !== NONE) return known
    const { file, buildId } = this.#profile!.mappings
    const own = this.#dictionary.mappings.intern(this.#string(file[id]!), this.#string(buildId[id]!))
    this.#mappings[id] = own
    return own
  }

  #string(id: number): number {
    const known = this.#strings[id]!
    if (known !== NONE) return known
    const own = this.#dictionary.strings.intern(wellFormed(this.#profile!.strings[id]!))
    this.#strings[id] = own
    return own
  }
}

export function haveSameTables(one: Profile, other: Profile): boolean {
  return (
    one.strings === other.strings &&
    one.functions === other.functions &&
    one.mappings === other.mappings &&
    one.locations === other.locations &&
    one.lines === other.lines &&
    one.stacks === other.stacks
  )
}

function withoutFirst(column: ArrayLike<number>): ArrayLike<number> {
  return Uint32Array.from(column).subarray(1)
}

/** Every field of a row is below its bound, or NONE; 'own id': below the id of the row itself. */
function loadChecked(
  table: TupleTable,
  columns: readonly ArrayLike<number>[],
  name: string,
  bounds: readonly (number | 'own id')[],
): void {
  const first = table.count
  assertEqual(columns.length, table.width, `columns of ${name}`)
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!
    assertEqual(column.length, columns[0]!.length, `rows of ${name}`)
    const bound = bounds[i]!
    for (let row = 0; row < column.length; row++) {
      const value = column[row]!
      if (value >= (bound === 'own id' ? first + row : bound) && value !== NONE >>> 0)
        throw new Error(`row ${first + row} of ${name} points at ${value}, which is not there`)
    }
  }
  table.load(columns)
}

function assertEqual(got: number, expected: number, what: string): void {
  if (got !== expected) throw new Error(`${what}: ${got} instead of ${expected}`)
}
