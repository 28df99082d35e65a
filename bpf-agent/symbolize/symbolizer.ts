// The one door from addresses to names: a window of raw stacks becomes a Profile. A stack is laid root first: the user's
// frames from its root to its leaf, then the kernel's from its entry to its leaf. Where callers are missing, the root is
// a frame that says so.
import { ProfileBuilder, type ProfileHead } from '#profile/model/builder'
import { asId, type LabelSetId, type LocationId, type StackId } from '#profile/model/ids'
import { labelsOf } from '#profile/model/labels'
import { type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '#profile/model/profile'
import type { Window } from '../aggregate/window.ts'
import { type KernelSymbols, openKernelSymbols } from '../host/kernel-symbols.ts'
import type { KnownProcess, Processes } from '../host/processes.ts'
import { type Generation, generationOf, isHollow } from '../host/timeline.ts'
import { type Binaries, createBinaries } from './binaries.ts'
import { createDemangler, type Demangler } from './demangle.ts'
import {
  createLocations,
  type Located,
  type Locations,
  type PythonNames,
  pythonAddress,
} from './locations.ts'
import { createPerfMaps, type PerfMaps } from './perf-map.ts'
import { reachesRoot } from './roots.ts'

export interface SymbolizerParts {
  readonly processes: Processes
  /** Value of the label `host`. */
  readonly host: string
  readonly log?: (line: string) => void
  readonly kernel?: KernelSymbols
  readonly binaries?: Binaries
  readonly perfMaps?: PerfMaps
  readonly demangler?: Demangler
  readonly python?: PythonNames | undefined
}

export interface Symbolizer {
  /** Names a window: one sample per distinct stack, label sets of service_name, comm, executable and host.
   *  cost some 10 ms per window once binaries are known; reading new symbol tables at most 1 s more */
  profileOf(window: Window, head: ProfileHead): Profile
  /** Resolves when kernel names are there, or known to stay away. */
  readonly ready: Promise<void>
  /** Files open, bytes of symbols and names. */
  readonly usage: Binaries['usage']
  /** Binaries, symbol tables and frames of Python refused, by reason. */
  readonly refused: ReadonlyMap<string, number>
  close(): void
}

/** A process that ended before its mappings could be read: its code has no place any more. */
export const EXITED_EARLY = '[exited early]'
/** An address of a living process where nothing executable is mapped. */
export const UNMAPPED = '[unmapped]'
/** We have no right to read the process: the agent runs without CAP_SYS_PTRACE. */
export const NO_ACCESS = '[no access]'
const OTHER_THREADS = '[other threads]'
const COMMS_MAX = 64 // names of threads per process and window: each is a series, and a pool may number thousands

/** Starts with empty caches; the kernel's symbols are being read. */
export function createSymbolizer({
  processes,
  host,
  log = () => {},
  kernel = openKernelSymbols({ log }),
  binaries = createBinaries({ log }),
  perfMaps = createPerfMaps(),
  demangler = createDemangler(),
  python,
}: SymbolizerParts): Symbolizer {
  processes.connect(binaries)

  function profileOf(window: Window, head: ProfileHead): Profile {
    binaries.renewBudget()
    perfMaps.renewBudget()
    const builder = new ProfileBuilder()
    const locations = createLocations({ builder, binaries, kernel, perfMaps, demangler, python })
    const labels = createLabelSets(builder, host)
    for (let row = 0; row < window.count; row++) {
      const user = userFrames(window, row, locations)
      builder.sample({
        stack: stackOf(window, row, { builder, locations, user }),
        labelSet: labels.of(window, row, user.generation),
        value: window.samples[row]!,
        timeMs: head.timeMs,
      })
    }
    void kernel.refresh()
    return builder.build(head)
  }

  /** The user's part of a stack, leaf first, by what the process was when it was taken. */
  function userFrames(window: Window, row: number, locations: Locations): UserFrames {
    const process = processes.find(window.tgid[row]!, window.startTicks[row]!)
    const generation = () => process && generationOf(process.generations, window.generation[row]!)
    const addresses = userAddresses(window, row)
    if (process === undefined || addresses.length === 0)
      return framesOf([], addresses.length > 0, generation(), process, locations)
    let frames = locate(process, generation(), addresses, locations)
    if (frames.length < addresses.length && processes.refresh(process.tgid, process.startTicks))
      frames = locate(process, generation(), addresses, locations)
    return framesOf(frames, frames.length < addresses.length, generation(), process, locations)
  }

  return {
    profileOf,
    ready: kernel.refresh().then(() => {}),
    get usage() {
      return binaries.usage
    },
    get refused() {
      const ofPython = [...(python?.refused ?? [])].map(([why, n]) => [`python_${why}`, n] as const)
      return new Map([...binaries.refused, ...perfMaps.refused, ...ofPython])
    },
    close() {
      binaries.close()
      perfMaps.close()
      python?.close()
    },
  }
}

/** Frames as they are shown: a stack of which nothing was found is one frame that says why. */
function framesOf(
  frames: readonly Located[],
  isCut: boolean,
  generation: Generation | undefined,
  process: KnownProcess | undefined,
  locations: Locations,
): UserFrames {
  if (frames.length > 0 || !isCut) return { frames, isCut, generation }
  const location = locations.marker(placeless(process, generation), 'native')
  return { frames: [{ location, name: undefined, isEntryPoint: false }], isCut, generation }
}

function placeless(process: KnownProcess | undefined, generation: Generation | undefined): string {
  if (process?.isRefused) return NO_ACCESS
  return generation === undefined || isHollow(generation) ? EXITED_EARLY : UNMAPPED
}

interface UserFrames {
  readonly frames: readonly Located[]
  /** A frame lay in no executable mapping: a walk through code without frame pointers went astray there. */
  readonly isCut: boolean
  /** undefined: nothing is known of the process. */
  readonly generation: Generation | undefined
}

/** Frames up to the first that lies nowhere. */
function locate(
  process: KnownProcess,
  generation: Generation | undefined,
  addresses: readonly number[],
  locations: Locations,
): Located[] {
  const frames: Located[] = []
  if (generation === undefined) return frames
  for (const address of addresses) {
    const located = locations.user(process, generation, address)
    if (located === undefined) break
    frames.push(located)
  }
  return frames
}

/** User addresses, leaf first. They are below 2^53 as numbers, or they are none: nothing is mapped above. */
function userAddresses(window: Window, row: number): number[] {
  const addresses: number[] = []
  const end = window.frameStart[row + 1]!
  for (let i = window.frameStart[row]! + window.kernelFrames[row]!; i < end; i++) {
    const [high, low] = [window.addressHigh[i]!, window.addressLow[i]!]
    addresses.push(high >>> 31 === 1 ? pythonAddress(high, low) : high * 2 ** 32 + low)
  }
  return addresses
}

function stackOf(
  window: Window,
  row: number,
  parts: { readonly builder: ProfileBuilder; readonly locations: Locations; readonly user: UserFrames },
): StackId {
  const { builder, locations, user } = parts
  const { frames } = user
  let stack: StackId = asId(0)
  const push = (location: LocationId) => {
    stack = builder.stack(stack, location)
  }
  const isWhole =
    !user.isCut &&
    reachesRoot({
      stop: window.stop[row]!,
      outermost: frames.at(-1)?.name,
      isEntryPoint: frames.at(-1)?.isEntryPoint ?? false,
      called: frames.at(-2)?.name,
    })
  if (!isWhole) push(locations.marker(TRUNCATED_NAME, TRUNCATED_KIND))
  for (let i = frames.length - 1; i >= 0; i--) if (!frames[i]!.isHidden) push(frames[i]!.location)
  const first = window.frameStart[row]!
  for (let i = first + window.kernelFrames[row]! - 1; i >= first; i--)
    push(locations.kernel(window.addressHigh[i]!, window.addressLow[i]!))
  return stack
}

/** Label sets of one window. Threads of the kernel form one service, and their names lose the number of the CPU or
 *  worker: `kworker/0:1` is `kworker`. */
function createLabelSets(builder: ProfileBuilder, host: string) {
  const comms = new Map<string, Set<string>>()

  function commOf(window: Window, row: number, isKernelThread: boolean): string {
    const comm = window.comm[row]!
    if (isKernelThread) return comm.split('/')[0]!
    const key = `${window.tgid[row]} ${window.startTicks[row]}`
    const seen = comms.get(key) ?? new Set()
    comms.set(key, seen)
    if (!seen.has(comm) && seen.size >= COMMS_MAX) return OTHER_THREADS
    seen.add(comm)
    return comm
  }

  function of(window: Window, row: number, generation: Generation | undefined): LabelSetId {
    const isKernelThread = window.stop[row] === 'kthread' || generation?.isKernelThread === true
    const comm = commOf(window, row, isKernelThread)
    const service = isKernelThread ? '[kernel]' : generation?.service || comm
    return builder.labelSet(
      labelsOf([
        ['service_name', service],
        ['comm', comm],
        ['executable', generation?.executable ?? ''],
        ['host', host],
      ]),
    )
  }
  return { of }
}
