// What is the kernel's name for this address, and which kernel is it? Holds the table of /proc/kallsyms and reads it
// again, in the background, when an address has no name: a module or a BPF program was loaded since.
import { closeSync, openSync, readSync } from 'node:fs'
import { failure, type Result } from '#profile/model/result'
import { buildIdOfNotes } from '../elf/elf-file.ts'
import {
  createKallsymsReader,
  type KernelSymbol,
  type KernelTable,
  kernelOffset,
  kernelSymbolAt,
} from './kallsyms.ts'
import { readBounded } from './proc.ts'

export interface KernelSymbols {
  /** Lower-case hex; "" if the kernel does not tell. */
  readonly buildId: string
  /** Build ID of a module; "" if unknown. */
  moduleBuildId(module: string): string
  /** The function at a kernel address; undefined if none is known. */
  symbolAt(high: number, low: number): KernelSymbol | undefined
  /** What to subtract from the low half of an address of the kernel's own code to get its address in `vmlinux`:
   *  by how much it was moved at boot. */
  readonly slide: number
  /** Reads the table again if an address was asked in vain and the last reading is a minute old.
   *  out  whether it is there */
  refresh(): Promise<boolean>
}

const REREAD_MS = 60_000 // reading costs 60 ms of one CPU
const LINKED_TEXT_X64 = 0x8100_0000 // low half of `_text` in every x86-64 vmlinux: start_kernel lies at 16 MiB
const PIECE_BYTES = 64 * 1024
const NOTES_BYTES_MAX = 64 * 1024

/** Opens the kernel's symbols; the first reading has begun, `refresh` waits for it.
 *  in   log  told once when addresses are hidden */
export function openKernelSymbols({ log }: { readonly log: (line: string) => void }): KernelSymbols {
  const notes = readBounded('/sys/kernel/notes', NOTES_BYTES_MAX)
  const moduleIds = new Map<string, string>()
  let table: KernelTable | undefined
  let readAtMs = Number.NEGATIVE_INFINITY
  let isWanted = true
  let hasComplained = false
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    readAtMs = performance.now()
    const parsed = await readKallsyms().catch((error: Error) => failure<KernelTable>(error.message))
    if (parsed.ok) {
      table = parsed.value
      isWanted = false
    } else if (!hasComplained) {
      hasComplained = true
      log(`kernel functions stay without names: ${parsed.error.message}`)
    }
  }

  async function refresh(): Promise<boolean> {
    if (reading === undefined && isWanted && performance.now() - readAtMs >= REREAD_MS)
      reading = read().finally(() => {
        reading = undefined
      })
    await reading
    return table !== undefined
  }

  function moduleBuildId(module: string): string {
    const known = moduleIds.get(module)
    if (known !== undefined) return known
    const isPlain = /^\w{1,64}$/.test(module)
    const found = isPlain
      ? readBounded(`/sys/module/${module}/notes/.note.gnu.build-id`, NOTES_BYTES_MAX)
      : undefined
    const buildId = found ? buildIdOfNotes(found) : ''
    if (moduleIds.size < 4096) moduleIds.set(module, buildId)
    return buildId
  }

  void refresh()
  return {
    buildId: notes ? buildIdOfNotes(notes) : '',
    moduleBuildId,
    symbolAt(high, low) {
      const symbol = table && kernelSymbolAt(table, high, low)
      if (symbol === undefined) isWanted = true
      return symbol
    },
    get slide() {
      if (table === undefined || process.arch !== 'x64' || table.textStart === 0) return 0
      return table.textStart - kernelOffset(0xffff_ffff, LINKED_TEXT_X64)
    },
    refresh,
  }
}

/** In pieces of about 1 ms, between which samples are drained. /proc gives 4 KiB per call: 1,300 trips through the
 *  thread pool would cost more than they save. */
async function readKallsyms(): Promise<Result<KernelTable>> {
  const fd = openSync('/proc/kallsyms', 'r')
  try {
    const reader = createKallsymsReader()
    const piece = new Uint8Array(PIECE_BYTES)
    for (;;) {
      let length = 0
      let read = -1
      while (read !== 0 && length < piece.length) {
        read = readSync(fd, piece, length, piece.length - length, null)
        length += read
      }
      reader.take(piece.subarray(0, length))
      if (read === 0) return reader.finish()
      await nextTurn()
    }
  } finally {
    closeSync(fd)
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))
