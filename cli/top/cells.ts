// How many cells of a terminal does a text take, and how is it cut to fit? A name may hold letters of two cells, marks of
// none, and what would move the cursor. Pure.
import { cleanName } from '#profile/picture/clean-name'

const MARK = /^[\p{Mn}\p{Me}]$/u
/** East Asian wide letters, their full-width forms, and pictures: what wcwidth of the usual terminals says. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1b000}-\u{1b2ff}\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$|^\p{Emoji_Presentation}$/u

/** Cells of one code point. */
function cellsOfCharacter(character: string): number {
  if (character >= ' ' && character <= '~') return 1
  return MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1
}

/** Cells of a text that holds nothing invisible, see `cleanName`. */
export function cellsOf(text: string): number {
  let cells = 0
  for (const character of text) cells += cellsOfCharacter(character)
  return cells
}

/** The text in exactly `width` cells: what cannot be seen is escaped, what is too long is cut in the middle, so that both
 *  package and method of a name stay readable, and the rest is blank.
 *  in  width  0 or more */
export function fitCells(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const shown = cutCells(cleanName(text), width)
  const blank = ' '.repeat(Math.max(0, width - cellsOf(shown)))
  return align === 'left' ? shown + blank : blank + shown
}

/** At most `width` cells. */
function cutCells(text: string, width: number): string {
  if (text.length * 2 <= width || cellsOf(text) <= width) return text
  if (width < 1) return ''
  const characters = [...text]
  const head = take(characters, Math.ceil((width - 1) / 2))
  const tail = take(characters.reverse(), width - 1 - cellsOf(head.join('')))
  return `${head.join('')}…${tail.reverse().join('')}`
}

/** At most `width` cells from the start: sentences say the important first. */
export const cutEnd = (text: string, width: number): string => take([...text], width).join('')

/** The first characters, as many as fit. */
function take(characters: readonly string[], width: number): string[] {
  const taken: string[] = []
  let cells = 0
  for (const character of characters) {
    cells += cellsOfCharacter(character)
    if (cells > width) break
    taken.push(character)
  }
  return taken
}
