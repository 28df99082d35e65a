// Which interpreters are there? Found among the mappings of processes, read once per file, published to the kernel once per
// run of mappings; forks share the run, so a child is known before anybody hears of it.
import type { ByteSource } from '../elf/byte-source.ts'
import { maybePython, type PythonFile, readPythonFile } from './python-file.ts'

export interface MappedPython {
  readonly start: number
  readonly end: number
  readonly path: string
  /** "device:inode". */
  readonly file: string
}

/** An interpreter as some processes have it in memory. */
export interface Interpreter {
  readonly file: PythonFile
  readonly bias: number
}

export interface Interpreters {
  /** The interpreter in a mapping that shows the code of a file, now known to the kernel.
   *  in   bias  address in memory minus address in the file
   *  out  its number; 0: there is none, or its version is unknown, or there is no room
   *  cost reads the file when it is new: 1 to 10 ms for files by the name of Python, nothing for others */
  publish(tgid: number, mapping: MappedPython, bias: number): number
  /** No walk can meet it any more. */
  release(runtime: number): void
  /** The interpreter of a number. */
  at(runtime: number): Interpreter | undefined
  /** Why the frames of an interpreter's file cannot be seen; "" if they can, or it is none. */
  complaintOf(file: string): string
  /** Files without offsets, and what found no room, by reason: `no_offsets`, `interpreters_full`. */
  readonly refused: ReadonlyMap<string, number>
}

export interface InterpretersParts {
  /** Opens what is mapped; undefined when it cannot be reached. */
  readonly open: (
    tgid: number,
    mapping: MappedPython,
  ) => { readonly source: ByteSource; readonly version: string; close(): void } | undefined
  /** Tells the kernel. */
  readonly write: (index: number, interpreter: Interpreter) => void
  /** Rows the kernel has. */
  readonly rows: number
}

const FILES_MAX = 256

/** Starts with none. */
export function createInterpreters({ open, write, rows }: InterpretersParts): Interpreters {
  const files = new Map<string, { readonly version: string; readonly file: PythonFile | undefined }>()
  const complaints = new Map<string, string>()
  const published = new Map<number, Interpreter>()
  const refused = new Map<string, number>()

  function fileOf(tgid: number, mapping: MappedPython): PythonFile | undefined {
    const opened = open(tgid, mapping)
    if (opened === undefined) return undefined
    try {
      const key = `${mapping.file} ${mapping.path}`
      const known = files.get(key)
      if (known?.version === opened.version) return known.file
      const file = readPythonFile(opened.source, mapping.path)
      files.delete(key)
      files.set(key, { version: opened.version, file })
      if (file && file.complaint !== '') {
        complaints.set(mapping.file, `[python: ${file.complaint}]`)
        refuse('no_offsets')
      } else complaints.delete(mapping.file)
      for (const map of [files, complaints]) if (map.size > FILES_MAX) map.delete([...map.keys()][0]!)
      return file
    } finally {
      opened.close()
    }
  }

  function refuse(reason: string): void {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
  }

  return {
    publish(tgid, mapping, bias) {
      const file = maybePython(mapping.path) ? fileOf(tgid, mapping) : undefined
      if (file?.layout === undefined) return 0
      for (let index = 0; index < rows; index++) {
        if (published.has(index + 1)) continue
        const interpreter = { file, bias }
        write(index, interpreter)
        published.set(index + 1, interpreter)
        return index + 1
      }
      refuse('interpreters_full')
      return 0
    },
    release: (runtime) => {
      published.delete(runtime)
    },
    at: (runtime) => published.get(runtime),
    complaintOf: (file) => complaints.get(file) ?? '',
    refused,
  }
}
