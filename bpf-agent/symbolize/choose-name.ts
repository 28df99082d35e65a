// Which of several names of one function do people know it by? `puts`, not `_IO_puts`; `read`, not `__libc_read`.
import { cleanText } from '../host/text.ts'

const underscores = (name: string) => name.length - name.replace(/^_+/, '').length

/** The name with the fewest leading underscores, then the shortest, then the first of the alphabet, cleaned.
 *  in   names  as the linker knows them; C++ and Rust names stay mangled, all start alike and so compare by length
 *  out  undefined for none */
export function chooseName(names: readonly string[]): string | undefined {
  let best: string | undefined
  for (const name of names) if (best === undefined || compare(name, best) < 0) best = name
  return best === undefined ? undefined : cleanText(best)
}

function compare(one: string, other: string): number {
  return underscores(one) - underscores(other) || one.length - other.length || (one < other ? -1 : 1)
}
