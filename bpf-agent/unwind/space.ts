// Where in a table is room? Contiguous ranges of a fixed space, first fit. Knows nothing of what lies in them.

export interface Space {
  readonly size: number
  /** Units in use. */
  readonly used: number
  /** First unit of n contiguous free ones; -1: there is no such gap.  cost O(gaps) */
  take(n: number): number
  /** Gives a range back, as it was taken.  cost O(gaps) */
  give(first: number, n: number): void
  /** Whether nothing is taken in [from, to).  cost O(log gaps) */
  isFree(from: number, to: number): boolean
}

/** An empty space of `size` units. Ranges of no units lie at 0 and take nothing. */
export function createSpace(size: number): Space {
  // Gaps, ascending, never touching each other: [from[i], to[i]).
  const from: number[] = size > 0 ? [0] : []
  const to: number[] = size > 0 ? [size] : []
  let used = 0

  function take(n: number): number {
    if (n === 0) return 0
    for (let i = 0; i < from.length; i++) {
      const first = from[i]!
      if (to[i]! - first < n) continue
      from[i] = first + n
      if (from[i] === to[i]) {
        from.splice(i, 1)
        to.splice(i, 1)
      }
      used += n
      return first
    }
    return -1
  }

  function give(first: number, n: number): void {
    if (n === 0) return
    const end = first + n
    const after = gapAfter(first) // the first gap that begins behind `first`
    const before = after - 1
    if (first < 0 || end > size || (before >= 0 && to[before]! > first) || (from[after] ?? size) < end)
      throw new Error(`units ${first} to ${end} of ${size} are given back, and are not all taken`)
    used -= n
    const joinsBefore = before >= 0 && to[before] === first
    const joinsAfter = from[after] === end
    if (joinsBefore && joinsAfter) {
      to[before] = to[after]!
      from.splice(after, 1)
      to.splice(after, 1)
    } else if (joinsBefore) to[before] = end
    else if (joinsAfter) from[after] = first
    else {
      from.splice(after, 0, first)
      to.splice(after, 0, end)
    }
  }

  function gapAfter(unit: number): number {
    let low = 0
    let high = from.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (from[middle]! <= unit) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    size,
    get used() {
      return used
    },
    take,
    give,
    isFree(first, end) {
      const before = gapAfter(first) - 1
      return before >= 0 && to[before]! >= end
    },
  }
}
