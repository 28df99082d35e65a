// Who is the child of this node under this frame? A trie that grows: integers in, integers out, no text and no Map.
// Open addressing over typed columns, because half a million Map lookups per merge would cost most of the query.

const CAPACITY_FIRST = 1024

/** Interns (parent, frame) pairs into nodes. Node 0 is the root; a child's number is greater than its parent's. */
export class TrieBuilder {
  #count = 1
  #parent = new Int32Array(CAPACITY_FIRST).fill(-1, 0, 1)
  #frame = new Uint32Array(CAPACITY_FIRST)
  /** Node per slot; 0, which is nobody's child, marks a free one. Kept at most half full. */
  #slots = new Int32Array(CAPACITY_FIRST * 2)

  get count(): number {
    return this.#count
  }

  /** The child of `parent` under `frame`, made if it is not there. cost O(1), amortized */
  child(parent: number, frame: number): number {
    const mask = this.#slots.length - 1
    let slot = hash(parent, frame) & mask
    for (;;) {
      const node = this.#slots[slot]!
      if (node === 0) break
      if (this.#parent[node] === parent && this.#frame[node] === frame) return node
      slot = (slot + 1) & mask
    }
    if (this.#count === this.#parent.length) {
      this.#grow()
      return this.child(parent, frame)
    }
    const node = this.#count++
    this.#parent[node] = parent
    this.#frame[node] = frame
    this.#slots[slot] = node
    return node
  }

  /** The columns so far, copied; `parent[0]` is NONE. */
  columns(): { readonly parent: Int32Array; readonly frame: Uint32Array } {
    return { parent: this.#parent.slice(0, this.#count), frame: this.#frame.slice(0, this.#count) }
  }

  #grow(): void {
    const parent = new Int32Array(this.#count * 2)
    const frame = new Uint32Array(this.#count * 2)
    const slots = new Int32Array(this.#count * 4)
    parent.set(this.#parent)
    frame.set(this.#frame)
    const mask = slots.length - 1
    for (let node = 1; node < this.#count; node++) {
      let slot = hash(parent[node]!, frame[node]!) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = node
    }
    this.#parent = parent
    this.#frame = frame
    this.#slots = slots
  }
}

/** Two odd multipliers and two shifts: neighbouring ids, which is what tries have, land far apart. */
function hash(parent: number, frame: number): number {
  let mixed = Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca77)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae3d)
  return mixed ^ (mixed >>> 13)
}
