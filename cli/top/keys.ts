// Which keys were pressed? Bytes of a terminal become keys. An escape sequence may come in pieces, and the Escape key is
// the first byte of all of them: what could still become a sequence waits until `flush`. Pure.

/** A printable key is its character, one code point. All others have names, and names are longer. */
export type Key = string

export interface KeyReader {
  /** Keys that are complete. */
  read(chunk: string): readonly Key[]
  /** Something waits: call `flush` when no more has come for a moment. */
  readonly isPending: boolean
  flush(): readonly Key[]
}

export const ESCAPE_WAIT_MS = 50 // a person is slower, the rest of a sequence is faster, also over a network

const CONTROL: Readonly<Record<string, Key>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\b': 'backspace',
  '\u007f': 'backspace',
  '\u0003': 'interrupt',
  '\u000c': 'redraw',
  '\u0015': 'erase',
}
const SEQUENCE_KEYS: ReadonlyMap<string, Key> = new Map(
  Object.entries({
    up: ['[A', 'OA'],
    down: ['[B', 'OB'],
    home: ['[H', 'OH', '[1~', '[7~'],
    end: ['[F', 'OF', '[4~', '[8~'],
    'page-up': ['[5~'],
    'page-down': ['[6~'],
  }).flatMap(([key, sequences]) => sequences.map((sequence) => [`\u001b${sequence}`, key] as const)),
)
// Bounded: a stream of digits after ESC [ is no sequence for ever.
const SEQUENCE = /^\u001b(?:\[[0-?]{0,24}[ -/]{0,4}[@-~]|O[ -~])/
const SEQUENCE_BEGUN = /^\u001b(?:\[[0-?]{0,24}[ -/]{0,4}|O)?$/

export function createKeyReader(): KeyReader {
  let pending = ''

  function read(chunk: string): Key[] {
    const keys: Key[] = []
    let text = pending + chunk
    pending = ''
    while (text !== '') {
      if (SEQUENCE_BEGUN.test(text)) {
        pending = text
        return keys
      }
      const sequence = SEQUENCE.exec(text)?.[0]
      if (sequence !== undefined) {
        keys.push(SEQUENCE_KEYS.get(sequence) ?? 'unknown')
        text = text.slice(sequence.length)
        continue
      }
      const character = String.fromCodePoint(text.codePointAt(0)!)
      keys.push(keyOf(character))
      text = text.slice(character.length)
    }
    return keys
  }

  return {
    read,
    get isPending() {
      return pending !== ''
    },
    flush() {
      const key = pending === '' ? [] : [pending === '\u001b' ? 'escape' : 'unknown']
      pending = ''
      return key
    },
  }
}

function keyOf(character: string): Key {
  if (character === '\u001b') return 'escape' // what follows is no sequence
  return CONTROL[character] ?? (/^\p{Cc}$/u.test(character) ? 'unknown' : character)
}
