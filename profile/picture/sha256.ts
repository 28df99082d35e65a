// What is the SHA-256 of a text? A page names its own script by it (Content-Security-Policy), and pages are made where
// there is no crypto module, or only an asynchronous one behind https.    source: FIPS 180-4

/** SHA-256 of the UTF-8 bytes, in base64: as `'sha256-…'` wants it.    cost  about 10 ms for 100 kB */
export function sha256Base64(text: string): string {
  const state = fractions(8, 1 / 2)
  const words = padded(new TextEncoder().encode(text))
  const schedule = new Uint32Array(64)
  for (let block = 0; block < words.length; block += 16) {
    for (let i = 0; i < 16; i++) schedule[i] = words[block + i]!
    for (let i = 16; i < 64; i++) {
      const early = schedule[i - 15]!
      const late = schedule[i - 2]!
      schedule[i] =
        schedule[i - 16]! +
        (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)) +
        schedule[i - 7]! +
        (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10))
    }
    mixBlock(state, schedule)
  }
  const bytes = [...state].flatMap((word) => [
    word >>> 24,
    (word >>> 16) & 255,
    (word >>> 8) & 255,
    word & 255,
  ])
  return btoa(String.fromCharCode(...bytes))
}

type Eight = [number, number, number, number, number, number, number, number]

function mixBlock(state: Uint32Array, schedule: Uint32Array): void {
  let [a, b, c, d, e, f, g, h] = state as unknown as Eight
  for (let i = 0; i < 64; i++) {
    const one =
      (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i]! + schedule[i]!) | 0
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  const mixed = [a, b, c, d, e, f, g, h]
  for (let i = 0; i < 8; i++) state[i]! += mixed[i]!
}

const turn = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits))

/** The message, a 1 bit, zeros, and its length in bits, as big-endian words in blocks of 16. */
function padded(bytes: Uint8Array): Uint32Array {
  const blocks = Math.ceil((bytes.length + 9) / 64)
  const whole = new Uint8Array(blocks * 64)
  whole.set(bytes)
  whole[bytes.length] = 0x80
  const view = new DataView(whole.buffer)
  view.setUint32(whole.length - 8, Math.floor(bytes.length / 2 ** 29))
  view.setUint32(whole.length - 4, bytes.length << 3)
  return Uint32Array.from({ length: blocks * 16 }, (_, i) => view.getUint32(i * 4))
}

/** The first 32 bits of the fractional parts of the roots of the first `count` primes. */
function fractions(count: number, power: number): Uint32Array {
  const parts: number[] = []
  for (let n = 2; parts.length < count; n++) {
    let isPrime = true
    for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) isPrime = false
    if (isPrime) parts.push((n ** power % 1) * 2 ** 32)
  }
  return Uint32Array.from(parts)
}
const ROUNDS = fractions(64, 1 / 3)
