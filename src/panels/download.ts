// How does a made text become a file of the reader's? As a link that is clicked once; nothing goes over the network.
import type { ExportFile } from './export-file.ts'

/** Hands a file to the browser's downloads. */
export function download({ name, type, text }: ExportFile): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The download holds on to the blob by then; a minute is for browsers that ask the reader first.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
