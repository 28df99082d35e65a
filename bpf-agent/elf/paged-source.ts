// How is a table of 144 MB searched without reading it? In pages, of which the last used stay.
import { type ByteSource, checkRange } from './byte-source.ts'

const PAGE_BYTES = 4096
const PAGES_MAX = 64

export interface PagedSource extends ByteSource {
  /** Memory held, at most 256 KiB. */
  readonly bytes: number
}

/** The same bytes; what is read stays for a while, so that a binary search costs a system call per new page only.
 *  Callers must not write into what they get. */
export function pagedSource(source: ByteSource): PagedSource {
  const pages = new Map<number, Uint8Array>() // least recently read first

  function page(index: number): Uint8Array {
    const known = pages.get(index)
    if (known !== undefined) {
      pages.delete(index)
      pages.set(index, known)
      return known
    }
    const first = index * PAGE_BYTES
    const bytes = source.read(first, Math.min(PAGE_BYTES, source.size - first))
    pages.set(index, bytes)
    if (pages.size > PAGES_MAX) {
      for (const oldest of pages.keys()) {
        pages.delete(oldest)
        break
      }
    }
    return bytes
  }

  return {
    size: source.size,
    read(offset, length) {
      checkRange({ offset, length, size: source.size, name: 'file' })
      if (length === 0) return new Uint8Array()
      const index = Math.floor(offset / PAGE_BYTES)
      const at = offset - index * PAGE_BYTES
      if (at + length <= PAGE_BYTES) return page(index).subarray(at, at + length)
      if (length > PAGE_BYTES) return source.read(offset, length)
      const bytes = new Uint8Array(length)
      bytes.set(page(index).subarray(at))
      bytes.set(page(index + 1).subarray(0, at + length - PAGE_BYTES), PAGE_BYTES - at)
      return bytes
    },
    get bytes() {
      return pages.size * PAGE_BYTES
    },
  }
}
