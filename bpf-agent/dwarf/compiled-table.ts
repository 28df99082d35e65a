// What comes out of the compiler: the rows of one file, ready to be copied into the kernel's maps page by page.
//
//   vaddr >>> 16   0x40              0x41       0x42                 three pages from basePage 0x40
//   pageFirst      0                 3          3               5    page 0x41 has no rows
//   pc             0x0000 0x1000 …              0x0000 0x0040        low 16 bits of the vaddr, from there to the next row
//   rule           7      0      …              0      9             0: no function is known here

/** Columns of rows, sorted by address. Rules are numbered per file; rule 0 is always the gap. */
export interface CompiledTable {
  /** vaddr >>> 16 of the first page. */
  readonly basePage: number
  /** First row of each page, and the number of rows at the end: pages + 1 values. A page has at most 8,191 rows; one
   *  without rows has no function in it, or had too many rows (counted). */
  readonly pageFirst: Uint32Array
  /** Low 16 bits of the vaddr at which a row begins to be valid. The first row of a page is at 0: it repeats the rule
   *  that was valid at the end of the page before, so that a look-up never crosses pages. */
  readonly pc: Uint16Array
  /** Number of the rule; equal neighbours within a page are merged. */
  readonly rule: Uint16Array
  /** 8 bytes each, `struct rule` of bpf/abi.h in little-endian; rule 0 is the gap. */
  readonly rules: Uint8Array
  readonly counts: TableCounts
}

/** What the table does not say, and why: nothing is left out in silence. */
export interface TableCounts {
  /** FDEs read, and left out. */
  readonly fdes: number
  readonly refused: Readonly<Record<RefusedReason, number>>
  /** Rows of rule UNSUPPORTED: there is a rule, and it fits no kind. */
  readonly unsupported: Readonly<Record<UnsupportedReason, number>>
  /** Pages emptied because they have more than 8,191 rows. */
  readonly pagesTooDense: number
  /** Of programs with Go code: functions whose record is broken, and why no row of them all was taken. */
  readonly go?: { readonly broken: number; readonly refused: string | undefined }
}

/** Why an FDE gave no rows. */
export const REFUSED_REASONS = [
  'malformed', // its bytes end too early, or its numbers cannot be
  'encoding', // pointers, augmentation or version of a kind that is not read
  'outside', // not in the file's executable segments, or beyond 2 GiB of the first
  'too_long', // a program of more than 256 KiB
  'overlap', // another FDE begins at the same address
] as const
export type RefusedReason = (typeof REFUSED_REASONS)[number]

/** Why a rule is UNSUPPORTED. */
export const UNSUPPORTED_REASONS = [
  'cfa_register', // the CFA hangs on another register than stack and frame pointer
  'cfa_expression', // an expression that is neither a PLT stub's nor that of a realigned frame
  'return_address', // not where the architecture puts it
  'frame_pointer', // in another register, or by an expression that is not fp + n
  'stack_pointer', // the caller's is not the CFA
  'offset', // does not fit 16 bits
  'rules_full', // the file has more than 8,191 distinct rules
] as const
export type UnsupportedReason = (typeof UNSUPPORTED_REASONS)[number]
