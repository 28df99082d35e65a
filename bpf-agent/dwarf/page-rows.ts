// How do rows become pages? They come sorted; here equal neighbours are merged, each page of 64 KiB gets a first row that
// repeats the rule carried in, and pages the sampler could not search stay empty.
import { GAP_RULE } from './rule.ts'

/** What 13 halvings can search; the densest page seen in a real binary has 3,740 rows. */
export const PAGE_ROWS_MAX = 8191

/** A growing table. One per file. */
export class PageRows {
  readonly rowsMax: number
  #pc = new Uint16Array(4096)
  #rule = new Uint16Array(4096)
  #n = 0
  #pageFirst = new Uint32Array(64)
  #page = 0 // the page that is filled
  #pageStart = 0 // its first row
  #carried = GAP_RULE // rule at the end of what was written
  pagesTooDense = 0

  /** in  rowsMax  above it the table is full; it takes rows all the same */
  constructor(rowsMax: number) {
    this.rowsMax = rowsMax
    this.#push(0, GAP_RULE)
  }

  get length(): number {
    return this.#n
  }
  get isFull(): boolean {
    return this.#n > this.rowsMax
  }

  /** From here on this rule is valid. At equal addresses the last one wins.
   *  in  address  above the first page's start, never below the address before; < 2^31 */
  row(address: number, rule: number): void {
    const page = address >>> 16
    while (this.#page < page) this.#nextPage()
    const low = address & 0xffff
    this.#carried = rule
    if (this.#pc[this.#n - 1] === low) this.#n-- // there is always one: the page's first
    if (this.#n > this.#pageStart && this.#rule[this.#n - 1] === rule) return
    this.#push(low, rule)
  }

  /** The columns; nothing can be added afterwards. */
  finish(): { readonly pageFirst: Uint32Array; readonly pc: Uint16Array; readonly rule: Uint16Array } {
    this.#closePage()
    // Pages without rows behind the last row say what no page says, too.
    let pages = this.#page + 1
    while (pages > 0 && this.#pageFirst[pages - 1] === this.#n) pages--
    const pageFirst = this.#pageFirst.slice(0, pages + 1)
    pageFirst[pages] = this.#n
    return { pageFirst, pc: this.#pc.slice(0, this.#n), rule: this.#rule.slice(0, this.#n) }
  }

  #nextPage(): void {
    this.#closePage()
    this.#page++
    if (this.#page + 1 >= this.#pageFirst.length) {
      const wider = new Uint32Array(2 * this.#pageFirst.length)
      wider.set(this.#pageFirst)
      this.#pageFirst = wider
    }
    this.#pageStart = this.#n
    this.#pageFirst[this.#page] = this.#n
    this.#push(0, this.#carried)
  }

  #closePage(): void {
    const rows = this.#n - this.#pageStart
    if (rows > PAGE_ROWS_MAX) this.pagesTooDense++
    const isGapOnly = rows === 1 && this.#rule[this.#pageStart] === GAP_RULE
    if (isGapOnly || rows > PAGE_ROWS_MAX) this.#n = this.#pageStart
  }

  #push(low: number, rule: number): void {
    if (this.#n === this.#pc.length) {
      this.#pc = doubled(this.#pc)
      this.#rule = doubled(this.#rule)
    }
    this.#pc[this.#n] = low
    this.#rule[this.#n++] = rule
  }
}

function doubled(column: Uint16Array): Uint16Array<ArrayBuffer> {
  const wider = new Uint16Array(2 * column.length)
  wider.set(column)
  return wider
}
