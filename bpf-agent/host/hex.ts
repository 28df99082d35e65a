// Which number do these hex digits write? /proc is read as bytes: a text per number would be most of the cost.

/** The number in bytes [from, stop); exact below 2^53.  out  NaN unless all of it is hex, and for nothing at all */
export function hexNumber(bytes: Uint8Array, from: number, stop: number): number {
  if (from >= stop) return Number.NaN
  let value = 0
  for (let i = from; i < stop; i++) {
    const byte = bytes[i]! | 0x20
    const digit =
      byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : Number.NaN
    value = value * 16 + digit
  }
  return value
}
