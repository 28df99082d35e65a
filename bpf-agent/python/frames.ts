// Which function was it? Frames of Python come as the address of a code object and an instruction; soon after, while the
// process still has that object, they become the number of a function and a line:
//
//   1 | 20 bits: instruction | 43 bits: code object / 16   ─►   1 | 20 bits: line, 0 if unknown | 43 bits: function
//
// From then on a frame is an ordinary word: equal lines are equal stacks, and a code object that is freed, and another made
// at its place, are two functions. Each object is looked at again with every batch of samples that names it.
import { readBounded, readLink } from '../host/proc.ts'
import { openProcessMemory, type ProcessMemory } from '../host/process-memory.ts'
import type { RawStacks } from '../kernel/raw-stack.ts'
import { type CodeHead, type CodeObject, isSameHead, readCodeHead, readCodeObject } from './code-object.ts'
import type { Interpreter } from './interpreters.ts'
import type { Layout } from './layout.ts'
import { lineAt } from './line-table.ts'
import { moduleOf, type Program, programOf } from './module-name.ts'

/** A function of Python. */
export interface PythonFunction {
  /** "module.Class.function", or a marker in brackets. */
  readonly name: string
  readonly file: string
  readonly startLine: number
  /** The interpreter's own, which no traceback shows either. */
  readonly isHidden: boolean
}

export interface PythonFrames {
  /** Turns the frames of Python of a batch, in its own columns, into functions and lines.
   *  cost 5 µs a code object that is met again, 30 µs a new one, 1,000 of these a second, 250 of a process; a word else */
  resolve(batch: RawStacks): void
  /** The function of a resolved word. */
  functionAt(addressLow: number): PythonFunction | undefined
  /** Functions held. */
  readonly count: number
  /** Code objects that could not be named, by reason: `exited`, `unreadable`, `deferred`, `functions_full`. */
  readonly refused: ReadonlyMap<string, number>
  close(): void
}

export interface PythonFramesParts {
  /** The interpreter that the kernel walks in a process; undefined: none, or the process is gone. */
  readonly interpreterOf: (tgid: number, startTicks: number) => Interpreter | undefined
  readonly open?: (tgid: number, startTicks: number) => ProcessMemory | undefined
  readonly programIn?: (tgid: number) => Program
  readonly nowMs?: () => number
}

interface Code {
  readonly function: number
  readonly object: CodeObject
  readonly lines: Map<number, number>
  checkedIn: number
}
interface Process {
  readonly memory: ProcessMemory
  readonly interpreter: Interpreter
  readonly program: Program
  readonly codes: Map<number, Code>
  /** Places of this batch where no code object is. */
  readonly unreadable: Set<number>
  looks: number
  usedIn: number
  isEnded: boolean
}

/** The top bit of a word says Python; user addresses never have it. */
export const isPythonWord = (addressHigh: number): boolean =>
  addressHigh >>> 31 === 1 && addressHigh >>> 11 !== 0x1fffff

const PROCESSES_MAX = 256 // each holds a descriptor
const CODES_MAX = 32_768 // some 300 B each; a large program has 20,000 in all, and runs few of them
const FUNCTIONS_MAX = 32_768
const TEXT_CHARS_MAX = 8 * 1024 * 1024 // of names and files
const FUNCTIONS_KEPT_MS = 60_000 // six windows
const SWEEP_MS = 10_000
const LOOKS_PER_S = 10_000 // 3 µs each: at most 3 % of a core, while large programs warm up
const LOOKS_PER_READING = 9 // of all that a new code object points to
const PARTS = 4
const LINES_BYTES_MAX = 8 * 1024 * 1024
const LINES_HELD_MAX = 4096 // of a function: one that is longer is walked again
const UNIT_UNKNOWN = 0xffffe
const LINE_MAX = 0xffffd
const COMMAND_LINE_BYTES_MAX = 4096
const NO_PROGRAM: Program = { script: '', folder: '', module: '', isCommand: false }

/** Starts with no function known. */
export function createPythonFrames({
  interpreterOf,
  open = openProcessMemory,
  programIn = readProgram,
  nowMs = () => performance.now(),
}: PythonFramesParts): PythonFrames {
  const processes = new Map<string, Process>() // least recently used first
  const functions = new Map<number, PythonFunction & { usedAtMs: number; readonly key: string }>()
  const numbers = new Map<string, number>()
  const refused = new Map<string, number>()
  let next = 1
  let batches = 0
  let codesHeld = 0
  let lineBytes = 0
  let textChars = 0
  let sweptAtMs = nowMs()
  let looks = 0
  let secondStartMs = Number.NEGATIVE_INFINITY

  const marker = (text: string) =>
    numberOf({ name: `[python: ${text}]`, file: '', startLine: 0, isHidden: false })

  function resolve(batch: RawStacks): void {
    batches++
    let process: Process | undefined
    let [tgid, startTicks] = [-1, -1]
    for (let row = 0; row < batch.count; row++) {
      const end = batch.frameStart[row + 1]!
      for (let i = batch.frameStart[row]! + batch.kernelFrames[row]!; i < end; i++) {
        if (!isPythonWord(batch.addressHigh[i]!)) continue
        if (batch.tgid[row] !== tgid || batch.startTicks[row] !== startTicks) {
          tgid = batch.tgid[row]!
          startTicks = batch.startTicks[row]!
          process = processOf(tgid, startTicks)
        }
        resolveWord(batch, i, process)
      }
    }
    sweep()
  }

  function resolveWord(
    { addressHigh, addressLow }: RawStacks,
    i: number,
    process: Process | undefined,
  ): void {
    const high = addressHigh[i]!
    const unit = (high >>> 11) & 0xfffff
    const found = codeOf(process, (high & 0x7ff) * 2 ** 32 + addressLow[i]!)
    // Code that ended at once, as a module's does when it is imported, and another one in its place that is shorter.
    const isOther = typeof found !== 'number' && unit !== UNIT_UNKNOWN && unit >= found.object.units
    const code = isOther ? marker('code not readable') : found
    const number = typeof code === 'number' ? code : code.function
    const line = typeof code === 'number' ? 0 : lineOf(code, unit, process!.interpreter.file.layout!)
    addressHigh[i] = (0x8000_0000 | (line << 11)) >>> 0
    addressLow[i] = number
  }

  function lineOf(code: Code, unit: number, { lines: kind }: Layout): number {
    const { head, lines } = code.object
    if (unit === UNIT_UNKNOWN || lines.length === 0) return clampLine(head.firstLine)
    const known = code.lines.get(unit)
    if (known !== undefined) return known
    const line = clampLine(lineAt(lines, { kind, firstLine: head.firstLine, unit }))
    if (code.lines.size < LINES_HELD_MAX) code.lines.set(unit, line)
    return line
  }

  /** What a code object was when this batch was taken, as far as that can still be known. */
  function codeOf(process: Process | undefined, place: number): Code | number {
    if (process === undefined) return marker('exited early')
    const known = process.codes.get(place)
    if (known !== undefined && (known.checkedIn === batches || process.isEnded)) return known
    if (process.unreadable.has(place)) return marker('code not readable')
    const code = mayRead(process) ? readCode(process, place, known) : 'deferred'
    if (typeof code !== 'string') return code
    refuse(code)
    if (code === 'unreadable') process.unreadable.add(place)
    return known ?? marker(code === 'deferred' ? 'not read in time' : 'code not readable')
  }

  /** Counted, not timed: on a busy machine the clock says little of what reading costs. No process gets more than its
   *  part, so that one of endless functions leaves the others theirs. */
  function mayRead(process: Process): boolean {
    const now = nowMs()
    if (now - secondStartMs >= 1000) {
      secondStartMs = now
      looks = 0
      for (const each of processes.values()) each.looks = 0
    }
    if (looks >= LOOKS_PER_S || process.looks >= LOOKS_PER_S / PARTS) return false
    spend(process, 1)
    return true
  }

  function spend(process: Process, count: number): void {
    looks += count
    process.looks += count
  }

  function readCode(process: Process, place: number, known: Code | undefined): Code | 'unreadable' {
    const layout = process.interpreter.file.layout!
    const head = readCodeHead(process.memory.read, 16 * place, layout)
    if (head === undefined) {
      if (known && !isThere(process, process.interpreter)) process.isEnded = true
      return known ?? 'unreadable' // freed meanwhile, or what the sampler met was no code object
    }
    if (known && isSameHead(known.object.head, head)) {
      known.checkedIn = batches
      functions.get(known.function)!.usedAtMs = nowMs()
      return known
    }
    const code = enter(process, head, layout)
    if (code === undefined) return 'unreadable'
    if (codesHeld >= CODES_MAX) forgetCodes()
    if (known) lineBytes -= known.object.lines.length
    else codesHeld++
    lineBytes += code.object.lines.length
    process.codes.set(place, code)
    return code
  }

  /** All are read again when they are met again. */
  function forgetCodes(): void {
    for (const { codes } of processes.values()) codes.clear()
    codesHeld = 0
    lineBytes = 0
  }

  function enter(process: Process, head: CodeHead, layout: Layout): Code | undefined {
    spend(process, LOOKS_PER_READING)
    const read = readCodeObject(process.memory.read, head, layout)
    if (read === undefined) return undefined
    const object =
      lineBytes + read.lines.length > LINES_BYTES_MAX ? { ...read, lines: new Uint8Array() } : read
    const number = numberOf({
      name: `${moduleOf(object.file, process.program)}.${object.name}`,
      file: object.file,
      startLine: Math.max(0, head.firstLine),
      // Calls of __init__ go through a frame of the interpreter's own, from 3.12 on.
      isHidden: object.name === '__init__' && object.file === '__init__',
    })
    return { function: number, object, lines: new Map(), checkedIn: batches }
  }

  function numberOf(called: PythonFunction): number {
    const key = `${called.name}\0${called.file}\0${called.startLine}`
    const known = numbers.get(key)
    if (known !== undefined) {
      functions.get(known)!.usedAtMs = nowMs()
      return known
    }
    const isMarker = called.file === '' && called.startLine === 0
    if (!isMarker && isFull()) forgetFunctions()
    if (!isMarker && isFull()) {
      refuse('functions_full')
      return marker('too many functions')
    }
    const number = next++
    textChars += key.length
    functions.set(number, { ...called, usedAtMs: nowMs(), key })
    numbers.set(key, number)
    return number
  }

  function processOf(tgid: number, startTicks: number): Process | undefined {
    const key = `${tgid} ${startTicks}`
    const known = processes.get(key)
    if (known?.usedIn === batches) return known
    const interpreter = interpreterOf(tgid, startTicks)
    if (known && (interpreter === undefined || isSame(known, interpreter))) return touch(key, known)
    const memory = interpreter && open(tgid, startTicks)
    if (interpreter === undefined || memory === undefined) {
      if (known) return touch(key, known) // it has ended: what was read of it stays true
      refuse('exited')
      return undefined
    }
    if (known) forget(key, known)
    const process: Process = {
      ...{ memory, interpreter, program: programIn(tgid) },
      ...{ codes: new Map(), unreadable: new Set(), looks: 0, usedIn: batches, isEnded: false },
    }
    processes.set(key, process)
    for (const [oldest, held] of processes) {
      if (processes.size <= PROCESSES_MAX) break
      forget(oldest, held)
    }
    return process
  }

  function touch(key: string, process: Process): Process {
    process.usedIn = batches
    process.unreadable.clear()
    processes.delete(key)
    processes.set(key, process)
    return process
  }

  /** Another program by the same PID and start has another memory: the old one answers nothing. */
  function isSame({ interpreter, memory }: Process, now: Interpreter): boolean {
    const isSamePlace = interpreter.bias === now.bias && interpreter.file.runtime === now.file.runtime
    return isSamePlace && isThere({ memory }, now)
  }

  const isThere = ({ memory }: Pick<Process, 'memory'>, { file, bias }: Interpreter) =>
    memory.read(file.runtime + bias, 8) !== undefined

  function forget(key: string, process: Process): void {
    process.memory.close()
    processes.delete(key)
    for (const { object } of process.codes.values()) lineBytes -= object.lines.length
    codesHeld -= process.codes.size
  }

  /** Descriptors of the dead are given back. */
  function sweep(): void {
    const now = nowMs()
    if (now - sweptAtMs < SWEEP_MS) return
    sweptAtMs = now
    for (const [key, process] of processes) if (!isThere(process, process.interpreter)) forget(key, process)
  }

  const isFull = () => functions.size >= FUNCTIONS_MAX || textChars > TEXT_CHARS_MAX

  /** Those that nobody has run for some windows; a window that is still open keeps its own. */
  function forgetFunctions(): void {
    forgetCodes()
    const now = nowMs()
    for (const [number, { usedAtMs, key }] of functions) {
      if (now - usedAtMs <= FUNCTIONS_KEPT_MS) continue
      functions.delete(number)
      numbers.delete(key)
      textChars -= key.length
    }
  }

  function refuse(reason: string): void {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
  }

  return {
    resolve,
    functionAt: (addressLow) => functions.get(addressLow),
    get count() {
      return functions.size
    },
    refused,
    close() {
      for (const [key, process] of processes) forget(key, process)
    },
  }
}

function readProgram(tgid: number): Program {
  const line = readBounded(`/proc/${tgid}/cmdline`, COMMAND_LINE_BYTES_MAX)
  return line === undefined ? NO_PROGRAM : programOf(line, readLink(`/proc/${tgid}/cwd`))
}

const clampLine = (line: number) => (line > 0 && line <= LINE_MAX ? line : 0)
