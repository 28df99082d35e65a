// How fast does an `.eh_frame` become rows? The compiler itself, warm, over the binaries that matter on this host.
import { existsSync, readFileSync } from 'node:fs'
import { startCompilation } from '../bpf-agent/dwarf/unwind-table.ts'
import { bytesSource } from '../bpf-agent/elf/byte-source.ts'
import { median } from './figures.ts'

const BINARIES = [process.execPath, '/usr/lib/x86_64-linux-gnu/libc.so.6', '/usr/bin/python3']
const REPEATS = 7

/** Rows a second, median of the runs over all binaries that are there. */
export function rowsPerSecond(): number {
  const sources = BINARIES.filter(existsSync).map((path) => bytesSource(new Uint8Array(readFileSync(path))))
  const runs = Array.from({ length: REPEATS }, () => {
    const startedMs = performance.now()
    const rows = sources.reduce((sum, source) => sum + rowsOf(source), 0)
    return rows / ((performance.now() - startedMs) / 1000)
  })
  return median(runs.slice(1)) // the first warms the compiler up
}

function rowsOf(source: ReturnType<typeof bytesSource>): number {
  const made = startCompilation(source, () => performance.now()).step(Number.POSITIVE_INFINITY)
  if (made === undefined || !made.ok)
    throw new Error(`no table: ${made === undefined ? 'unfinished' : made.error.message}`)
  return made.value.pc.length
}
