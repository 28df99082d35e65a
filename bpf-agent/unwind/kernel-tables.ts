// What can be written to the unwinder in the kernel? The five tables of bpf/maps.h as one interface, so that everything
// above runs on the real kernel and, in tests, on arrays in memory.
//
//   procs[tgid] ─► run of vmas ─► run of pages of a file ─► run of rows ─► rules
//   written from right to left, freed from left to right

/** Rows in one update: struct chunk of bpf/abi.h. */
export const CHUNK_ROWS = 4096
export const RULE_BYTES = 8
/** Rule 0 is always this: no function is known here. */
export const GAP_RULE = 0

/** An executable mapping of a process. Addresses are exact numbers below 2^53. */
export interface VmaRow {
  readonly start: number
  /** Of 4,096 bytes. */
  readonly lenPages: number
  /** Address in memory minus address in the ELF file; negative where a file was linked above its place. */
  readonly bias: number
  /** ELF address >>> 16 of the first page that has rows. */
  readonly pageBase: number
  readonly firstPage: number
  /** 0: no rows, frame pointers only. */
  readonly nPages: number
}

/** A process, as the kernel knows it. */
export interface ProcRow {
  readonly firstVma: number
  readonly nVma: number
  readonly startTicks: number
  /** Number of the interpreter whose frames are walked; 0: none. */
  readonly runtime: number
}

export interface KernelTables {
  /** What there is room for. */
  readonly sizes: {
    readonly vmas: number
    readonly pages: number
    readonly rules: number
    readonly rows: number
    /** A shard of rows is made when its first chunk is written, and may be dropped when nothing is left in it. */
    readonly shardRows: number
  }
  /** Copies a chunk of rows (row index / CHUNK_ROWS) to `rows`; zeros where none was written. */
  readChunk(chunk: number, rows: Uint32Array): void
  /** Makes the shard if it is not there.  cost 5 µs; a new shard 20 to 50 ms, since the kernel waits until every CPU has
   *  seen it */
  writeChunk(chunk: number, rows: Uint32Array): void
  /** Gives the memory of a shard back; its rows are zeros then.  cost 20 to 50 ms, for the same reason */
  dropShard(shard: number): void
  /** The rows of a page.  in  range  becomes {first row, number of rows}; zeros where no page is */
  readPage(page: number, range: Uint32Array): void
  /** The 8 bytes of a rule; undefined where no rule is. */
  readRule(id: number): Uint8Array | undefined
  /** in  ranges  pairs {first row, number of rows}, one pair a page */
  writePages(first: number, ranges: Uint32Array): void
  writeVmas(first: number, vmas: readonly VmaRow[]): void
  /** in  bytes  struct rule of bpf/abi.h */
  writeRule(id: number, bytes: Uint8Array): void
  /** out  false: the table of processes is full */
  setProc(tgid: number, row: ProcRow): boolean
  /** Also what the kernel itself has written: on_fork copies the parent's row. */
  proc(tgid: number): ProcRow | undefined
  deleteProc(tgid: number): void
  /** All keys of the table of processes.  cost a system call each */
  procIds(): readonly number[]
}
