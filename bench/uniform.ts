// Where do seeded draws come from? One small generator, equal on every machine and every Node.

/** The next uniform draw, 0 ≤ U < 1. */
export type Draw = () => number

/** Mulberry32: 32 bits of state, equal on every machine. */
export function uniform(seed: number): Draw {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
