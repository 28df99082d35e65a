// Did the walk reach the beginning of the thread, or did it just stop? A stop reason says how a walk ended; only together
// with the outermost frame it says whether callers are missing.

/** Functions that nothing calls: where the kernel, the C library or a runtime starts a program or a thread. */
const ENTRIES: ReadonlySet<string> = new Set([
  '_start',
  '_dl_start',
  '__libc_start_main',
  '__libc_start_call_main',
  'start_thread',
  'clone',
  '__clone',
  'clone3',
  '__clone3',
  'thread_start',
  'runtime.goexit',
  'runtime.goexit.abi0',
  'runtime.mstart',
  'runtime.mstart.abi0',
  'runtime.rt0_go',
  'runtime.rt0_go.abi0',
  '_rt0_amd64',
  '_rt0_amd64_linux',
  '_rt0_arm64_linux',
  'runtime.mcall',
  'runtime.systemstack',
])

export interface RootEvidence {
  /** Name of the stop reason. */
  readonly stop: string
  /** Of the outermost user frame; undefined: it has none, or there is no user frame. */
  readonly outermost: string | undefined
  /** It lies where its program's first instruction is. */
  readonly isEntryPoint: boolean
  /** Of the frame that the outermost one called. */
  readonly called: string | undefined
}

/** Whether no caller is missing.
 *  - `root` and `kthread` say it themselves.
 *  - Else the outermost frame must be a known beginning, by name or by place: in code without frame pointers that
 *    register holds anything, and a zero there ends a stack of one frame.
 *  - Or it called `main`: whatever calls `main` is the C library's start code, in which the walk by frame pointers ends
 *    one or two frames before `_start`. Nothing of the program is missing. */
export function reachesRoot({ stop, outermost, isEntryPoint, called }: RootEvidence): boolean {
  if (stop === 'root' || stop === 'kthread') return true
  if (stop === 'depth' || stop === 'compat32' || stop === 'no_regs') return false
  return isEntryPoint || (outermost !== undefined && ENTRIES.has(outermost)) || called === 'main'
}
