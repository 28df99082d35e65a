// How is a name from outside shown? As plain text in which nothing invisible can change what the reader believes to read:
// control characters, zero-width characters and marks that turn the direction of writing appear as escapes.

const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]/g

/** Escapes what cannot be seen: a right-to-left override becomes the text `\u{202e}`. Other text stays as it is. */
export function cleanName(name: string): string {
  return name.replace(INVISIBLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}

/** Cuts a text in the middle to at most `most` characters, so that both its ends stay legible. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text
  const keep = Math.max(0, most - 1)
  const head = Math.ceil(keep / 2)
  return `${text.slice(0, head)}…${text.slice(text.length - (keep - head))}`
}
