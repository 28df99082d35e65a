// Which value has exactly n - 1 values above it, ties in any order? Radix selection over the bits of the doubles: four
// passes at most, linear whatever the values, where sorting half a million would cost ten times as much.

const BUCKETS = 65_536

/** The n-th largest of `values` (not negative, finite): 1 is the largest; n beyond the length gives the smallest.
 *  cost O(values), 256 kB of scratch */
export function nthLargest(values: Float64Array, n: number): number {
  const bits = new DataView(values.buffer, values.byteOffset, values.byteLength)
  const digit = (i: number, shift: number) => bits.getUint16(i * 8 + shift * 2, true)
  const counts = new Uint32Array(BUCKETS)
  let candidates = Uint32Array.from(values, (_, i) => i)
  let left = Math.min(n, values.length)
  // The most significant 16 bits first: of two doubles that are not negative, the greater has the greater bits.
  for (let shift = 3; shift >= 0 && candidates.length > 1; shift--) {
    counts.fill(0)
    for (const i of candidates) counts[digit(i, shift)]!++
    let bucket = BUCKETS - 1
    while (counts[bucket]! < left) left -= counts[bucket--]!
    const inBucket = new Uint32Array(counts[bucket]!)
    let filled = 0
    for (const i of candidates) if (digit(i, shift) === bucket) inBucket[filled++] = i
    candidates = inBucket
  }
  return values[candidates[0]!]!
}
