// How does a drawing stand indented in a test? Its common margin and the empty first and last line are not part of it.

/** Removes the margin that all lines share, blanks at line ends, and empty lines around. */
export function outdent(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd())
  while (lines[0] === '') lines.shift()
  while (lines.at(-1) === '') lines.pop()
  const margin = Math.min(...lines.filter((line) => line !== '').map((line) => line.search(/\S/)))
  return lines.map((line) => line.slice(margin)).join('\n')
}
