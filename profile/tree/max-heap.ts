// Which is the heaviest? A binary heap of numbers; of equal weights the smaller number comes first, so that the order
// never depends on history.

export class MaxHeap {
  readonly #weight: (item: number) => number
  readonly #items: number[] = []

  /** `weight` of an item must not change while it is in the heap. */
  constructor(weight: (item: number) => number) {
    this.#weight = weight
  }

  /** cost O(log n) */
  push(item: number): void {
    const items = this.#items
    let place = items.length
    items.push(item)
    while (place > 0) {
      const above = (place - 1) >>> 1
      if (this.#isBefore(items[above]!, item)) break
      items[place] = items[above]!
      place = above
    }
    items[place] = item
  }

  /** Takes the heaviest out; undefined if there is none. cost O(log n) */
  pop(): number | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let place = 0
    for (;;) {
      let below = place * 2 + 1
      if (below >= items.length) break
      if (below + 1 < items.length && this.#isBefore(items[below + 1]!, items[below]!)) below++
      if (this.#isBefore(last, items[below]!)) break
      items[place] = items[below]!
      place = below
    }
    items[place] = last
    return first
  }

  #isBefore(one: number, other: number): boolean {
    const [weightOne, weightOther] = [this.#weight(one), this.#weight(other)]
    return weightOne > weightOther || (weightOne === weightOther && one < other)
  }
}
