// How much of a text fits into so many columns of a monospace font, where nothing can be measured?

const LETTERS_LEAST = 3 // fewer say nothing

/** Cuts a text on the right to what fits; "" where not even three letters do. Wide letters (CJK) take two columns. */
export function fitText(text: string, columns: number): string {
  if (columns < LETTERS_LEAST) return ''
  const letters = [...text.slice(0, 2 * columns + 2)] // a letter has up to two code units
  let used = 0
  for (const [i, letter] of letters.entries()) {
    used += columnsOf(letter)
    if (used > columns || (used === columns && i + 1 < letters.length)) return cutBefore(letters, columns)
  }
  return letters.join('')
}

function cutBefore(letters: readonly string[], columns: number): string {
  let used = 1 // the ellipsis
  let kept = 0
  while (kept < letters.length && used + columnsOf(letters[kept]!) <= columns)
    used += columnsOf(letters[kept++]!)
  return `${letters.slice(0, kept).join('')}…`
}

const columnsOf = (letter: string): number => (letter.codePointAt(0)! >= 0x1100 ? 2 : 1)

/** Breaks a text at blanks into lines of at most `width` letters; a longer word is broken where the line ends. */
export function breakLines(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (let word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    for (; word.length > width; word = word.slice(width)) lines.push(word.slice(0, width))
    line += line === '' ? word : ` ${word}`
  }
  return line === '' ? lines : [...lines, line]
}
