// Every truth program: what it is made from, which stacks it truly has, and what is demanded of the agent.
import type { Demand, TrueStack } from './check.ts'
import type { Source } from './compile.ts'
import type { Frame, Place, Step } from './pattern.ts'
import type { Told } from './recording.ts'

export interface Program {
  /** Also the name of its threads: at most 15 bytes. */
  readonly name: string
  readonly source: Source
  readonly words?: readonly string[]
  /** Words that are files of the run's folder. */
  readonly files?: readonly string[]
  /** Another program that this one starts; its threads are the ones that are compared. */
  readonly starts?: { readonly name: string; readonly source: Source }
  /** Threads that burn. 1 */
  readonly cpus?: number
  readonly truth: (told: Told) => readonly TrueStack[]
  /** Of interpreted programs: the frames that are compared. */
  readonly keep?: (frame: Frame) => boolean
  readonly demand?: Partial<Demand>
  /** What the agent lacks: the demand is measured and shown, not yet asserted. */
  readonly waitsFor?: string
}

/** Unless a program says otherwise. */
export const DEMAND: Demand = { samples: 500, exact: 0.995, inLeaf: 0.85 }

const LIBC = 'libc.so.6'
const LOADER = 'ld-linux-x86-64.so.2'
/** Names of the C library's start code; without its debug file most of it has none. */
const START = ['__libc_start_main', '__libc_start_main_impl', '__libc_start_call_main']

const entry = ({ entry }: Told, binary = LIBC): Step[] => [
  '_start',
  { in: binary, names: START, times: Math.max(0, entry - 1) },
]
const thread: Step[] = [
  { in: LIBC, names: ['clone3', '__clone3', 'clone'] },
  { in: LIBC, names: ['start_thread'] },
]
const times = (name: string, count: number): Place => ({ names: [name], times: count })
/** One true stack from main on. */
const fromMain =
  (...frames: Step[]) =>
  (told: Told): TrueStack[] => [{ frames: [...entry(told), 'main', ...frames] }]

const recursion = (depth: number): Program => ({
  name: `t_recursion${depth}`,
  source: { file: 'recursion.c' },
  words: [String(depth)],
  truth: fromMain(times('down', depth), 'burn'),
  demand: { exact: 0.998 },
})

const handlerOver = (interrupted: string) => (told: Told) => {
  const below: Step[] = [...entry(told), 'main', 'outer', interrupted]
  // Entered by a return: its own address is looked up, not the byte before it, which belongs to another function.
  const trampoline: Step = { in: LIBC, names: ['__restore_rt', 'restore_rt'] }
  return [
    { frames: [...below, trampoline, 'handler', 'burn'], atLeast: 0.9 },
    { frames: below }, // the kernel makes the signal
    { frames: [...below, trampoline] }, // and takes it back
  ]
}

/** A chain of Go, and the runtime's work on top of it or by itself. */
/** The runtime's own work: the collector, the scheduler, its clock in the vDSO. */
const ofRuntime = (most: number): Step => ({
  holds: ['runtime.', 'internal/', 'clock_gettime'],
  times: [1, most],
})
const goChain = (...frames: Step[]): TrueStack[] => {
  const chain: Step[] = [{ begins: 'runtime.goexit' }, ...frames]
  return [{ frames: chain, atLeast: 0.3 }, { frames: [...chain, ofRuntime(20)] }]
}
const GO_RUNTIME: TrueStack = { frames: [ofRuntime(40)] }

const LAST_FRAMES = 512

export const PROGRAMS: readonly Program[] = [
  recursion(20),
  recursion(120),
  recursion(400),
  {
    name: 't_recursion700',
    source: { file: 'recursion.c' },
    words: ['700'],
    truth: () => [{ frames: ['[truncated]', times('down', LAST_FRAMES - 1), 'burn'] }],
    demand: { exact: 0.998 },
  },
  {
    name: 't_frame_sizes',
    source: { file: 'frame_sizes.c' },
    truth: fromMain(
      'small',
      ...Array.from({ length: 20 }, () => ['large', 'variable', 'small']).flat(),
      'burn',
    ),
  },
  {
    name: 't_qsort',
    source: { file: 'qsort.c' },
    truth: (told) => [
      {
        frames: [
          ...entry(told),
          'main',
          'sort',
          { in: LIBC, begins: 'qsort' },
          { in: LIBC, names: ['msort_with_tmp', 'msort_with_tmp.part.0', 'qsort'], times: told.inner - 1 },
          'compare',
          'burn',
        ],
      },
    ],
  },
  ...(['trap', 'first', 'stack'] as const).map(
    (way): Program => ({
      name: `t_signal_${way}`,
      source: { file: 'signal_handler.c' },
      words: [way],
      truth: handlerOver(way === 'first' ? 'first_byte' : 'interrupted'),
    }),
  ),
  {
    name: 't_vdso',
    source: { file: 'vdso.c' },
    truth: (told) => {
      const ask: Step[] = [...entry(told), 'main', 'ask']
      const libc: Step = { in: LIBC, names: ['clock_gettime', '__clock_gettime', '__clock_gettime_2'] }
      const vdso: Step = { in: '[vdso]', times: [1, 4] }
      return [
        { frames: ask },
        { frames: [...ask, { in: 't_vdso', names: ['clock_gettime@plt'] }] },
        { frames: [...ask, libc] },
        { frames: [...ask, libc, vdso], atLeast: 0.3 },
      ]
    },
  },
  {
    name: 't_dlopen',
    source: { file: 'plugins.c' },
    words: ['0.8'],
    files: ['alpha.so'],
    truth: (told) => [
      { frames: [...entry(told), 'main', 'run_for', 'before', 'burn'], atLeast: 0.1 },
      {
        frames: [...entry(told), 'main', 'run_for', 'call_plugin', 'plugin_work', 'alpha_burn'],
        atLeast: 0.3,
      },
    ],
    waitsFor: 'tables of a library within a second after it was opened',
  },
  {
    name: 't_swapped',
    source: { file: 'plugins.c' },
    words: ['0.7'],
    files: ['alpha.so', 'beta.so'],
    truth: (told) => [
      { frames: [...entry(told), 'main', 'run_for', 'before', 'burn'] },
      {
        frames: [...entry(told), 'main', 'run_for', 'call_plugin', 'plugin_work', 'alpha_burn'],
        atLeast: 0.2,
      },
      {
        frames: [...entry(told), 'main', 'run_for', 'call_plugin', 'plugin_work', 'beta_two', 'beta_burn'],
        atLeast: 0.15,
      },
    ],
    waitsFor: "mappings read anew when a library takes another one's place",
  },
  {
    name: 't_lazy_first',
    source: { file: 'lazy_first.c', flags: ['-Wl,-z,lazy'], links: ['liblazy.so'] },
    truth: fromMain(
      'call_all',
      { in: LOADER, begins: '_dl_runtime_resolve' },
      { in: LOADER, names: ['_dl_fixup'] },
      // One function with two names: what is resolved and what resolves it.
      { holds: ['resolve_', 'lazy_'] },
      'burn',
    ),
  },
  {
    name: 't_plt_loop',
    source: { file: 'plt_loop.c', flags: ['-Wl,-z,lazy'], links: ['liblazy.so'] },
    truth: (told) => {
      const calls: Step[] = [...entry(told), 'main', 'calls']
      return [
        { frames: calls },
        { frames: [...calls, { in: 't_plt_loop', names: ['tiny@plt'] }], atLeast: 0.02 },
        { frames: [...calls, 'tiny'], atLeast: 0.1 },
      ]
    },
  },
  {
    name: 't_musl',
    source: { file: 'recursion.c', compiler: 'musl-gcc', flags: ['-static'] },
    words: ['50'],
    truth: () => [
      // Nothing of this C library can be unwound: its frame that called main is the last one that can be seen.
      { frames: [{ in: 't_musl', names: ['libc_start_main_stage2'] }, 'main', times('down', 50), 'burn'] },
    ],
  },
  {
    name: 't_no_tables',
    source: { file: 'no_tables.c', links: ['plain.o'] },
    truth: fromMain('with_tables', 'plain_one', 'plain_two', 'plain_burn'),
  },
  {
    name: 't_realigned',
    source: { file: 'realigned.c' },
    truth: fromMain('realigned', 'inner', 'burn'),
  },
  {
    name: 't_context',
    source: { file: 'context.c' },
    truth: () => [{ frames: [{ in: LIBC, names: ['__start_context'] }, 'coroutine', 'co_step', 'burn'] }],
  },
  {
    name: 't_jump',
    source: { file: 'jump.c' },
    truth: fromMain('guarded', times('dive', 10), 'burn'),
  },
  {
    name: 't_static_pie',
    source: { file: 'recursion.c', flags: ['-static-pie'] },
    words: ['50'],
    truth: (told) => [{ frames: [...entry(told, 't_static_pie'), 'main', times('down', 50), 'burn'] }],
  },
  {
    name: 't_threads',
    source: { file: 'threads.c', flags: ['-pthread'] },
    cpus: 2,
    truth: () => [
      { frames: [...thread, 'one', 'step', 'burn'], atLeast: 0.3 },
      { frames: [...thread, 'other', 'burn'], atLeast: 0.3 },
    ],
  },
  {
    name: 't_leader_gone',
    source: { file: 'threads.c', flags: ['-pthread'] },
    words: ['gone'],
    cpus: 2,
    truth: () => [
      { frames: [...thread, 'one', 'step', 'burn'], atLeast: 0.3 },
      { frames: [...thread, 'other', 'burn'], atLeast: 0.3 },
    ],
  },
  {
    name: 't_fork',
    source: { file: 'fork.c', flags: ['-Wl,-z,now'] },
    truth: (told) => [
      ...fromMain('child', 'burn')(told),
      ...fromMain({ in: LIBC, holds: ['fork', 'Fork', 'wait'], times: [1, 3] })(told), // the parent, and a child that begins
    ],
  },
  {
    name: 't_exec_loop',
    source: { file: 'exec_loop.c' },
    starts: { name: 't_short_life', source: { file: 'short_life.c' } },
    truth: () => {
      const start: Step[] = ['_start', { in: LIBC, names: START, times: [1, 2] }]
      const some = (binary: string, most: number): Step => ({ in: binary, times: [0, most] })
      return [
        { frames: [...start, 'main', 'work', 'burn'], atLeast: 0.85 },
        { frames: [{ in: LOADER, times: [1, 20] }, some(LIBC, 4)] }, // before main
        { frames: [...start, some(LIBC, 4), some(LOADER, 3), some('t_short_life', 2), some(LIBC, 4)] }, // and after
      ]
    },
    // A process has no stack while it becomes another program, nor when it has given its memory back: some 3 % of 30 ms,
    // and more where others wear out the caches.
    demand: { exact: 0.93 },
  },
  {
    name: 't_last_call',
    source: { file: 'last_call.c' },
    truth: fromMain('guarded', 'ends_with_call', 'never_returns', 'burn'),
  },
  {
    name: 't_exceptions',
    source: { file: 'exceptions.cpp' },
    truth: (told) => {
      // Landing pads lie in the cold part of a function, which has a name of its own.
      const part = (name: string): Step => ({ begins: name })
      return [
        { frames: [...entry(told), 'main', part('catches'), 'handles', 'burn'], atLeast: 0.3 },
        {
          frames: [
            ...entry(told),
            'main',
            part('catches'),
            part('destroys'),
            { begins: 'Guard::~Guard' },
            'burn',
          ],
          atLeast: 0.3,
        },
      ]
    },
  },
  {
    name: 't_templates',
    source: { file: 'templates.cpp' },
    truth: fromMain(
      ...[5, 4, 3, 2, 1, 0].map((n): Step => ({ names: [`spin<${n}>(int)`, `int spin<${n}>(int)`] })),
      'burn',
    ),
  },
  {
    name: 't_sort',
    source: { file: 'sort.cpp', flags: ['-fno-inline'] },
    truth: (told) => [
      {
        frames: [
          ...entry(told),
          'main',
          { begins: 'sort_two' },
          { holds: ['std::', '__gnu_cxx::'], times: told.inner },
          { holds: ['lambda', '{lambda'] },
          'burn',
        ],
      },
    ],
  },
  ...[[], ['-C', 'strip=symbols']].map(
    (flags): Program => ({
      name: flags.length === 0 ? 't_rust' : 't_rust_bare',
      source: { file: 'generics.rs', flags },
      truth: () => {
        const binary = flags.length === 0 ? 't_rust' : 't_rust_bare'
        const at = (...holds: string[]): Step => ({ in: binary, holds })
        return [
          {
            frames: [
              { in: binary, names: ['_start'] },
              { in: LIBC, names: START, times: [1, 2] },
              at('main'),
              {
                in: binary,
                holds: ['std::rt', 'std::sys', '__rust_begin_short_backtrace', 'core::ops'],
                times: [1, 8],
              },
              at('generics::main'),
              at('generics::outer'),
              at('generics::Deep'),
              at('generics::burn'),
            ],
          },
        ]
      },
    }),
  ),
  {
    name: 't_go_frameless',
    source: { file: 'frameless.go' },
    truth: () => [
      ...goChain('runtime.main', 'main.main', 'main.outer', 'main.caller', 'main.leaf'),
      GO_RUNTIME,
    ],
  },
  ...[[], ['-ldflags', '-s -w']].map(
    (flags): Program => ({
      name: flags.length === 0 ? 't_goroutines' : 't_go_stripped',
      source: { file: 'goroutines.go', flags },
      cpus: 2,
      truth: () => [
        ...goChain('main.one', 'main.step', 'main.burn'),
        ...goChain('main.other', 'main.burn'),
        GO_RUNTIME,
      ],
    }),
  ),
  {
    name: 't_cgo',
    source: { file: 'cgo.go' },
    truth: () => {
      // Into C on the stack of the thread, back to Go, and into C again. At each border the runtime has work of its own.
      const runtime: Step = { begins: 'runtime.', times: [1, 4] }
      const toC: Step[] = [
        { begins: 'runtime.goexit' },
        'runtime.main',
        'main.main',
        'main.enter',
        { begins: 'main._Cfunc_c_outer' },
      ]
      const toGo: Step[] = [
        ...toC,
        runtime, // cgocall, asmcgocall
        { holds: ['_Cfunc_c_outer'], times: [0, 1] }, // may end in a jump to c_outer
        'c_outer',
        'go_middle',
        'crosscall2',
      ]
      const toCAgain: Step[] = [
        ...toGo,
        runtime, // cgocallback, cgocallbackg, cgocallbackg1
        { holds: ['_cgoexp'] },
        'main.go_middle',
        { begins: 'main._Cfunc_c_inner' },
      ]
      return [
        {
          frames: [...toCAgain, runtime, { holds: ['_Cfunc_c_inner'], times: [0, 1] }, 'c_inner', 'c_burn'],
          atLeast: 0.9,
        },
        { frames: [...toC, ofRuntime(20)] },
        { frames: [...toGo, ofRuntime(20)] },
        { frames: [...toCAgain, ofRuntime(20)] },
        GO_RUNTIME,
      ]
    },
  },
  {
    name: 't_python',
    source: { file: 'recursion.py' },
    keep: ({ name }) => /^(__main__\.|\[truncated\]$|_start$)/.test(name),
    truth: () => [{ frames: ['_start', '__main__.<module>', times('__main__.down', 20), '__main__.burn'] }],
  },
  {
    name: 't_node',
    source: { file: 'recursion.cjs', flags: ['--perf-basic-prof', '--no-turbo-inlining'] },
    keep: ({ name }) => name.includes('recursion.cjs') || name === '[truncated]' || name === '_start',
    truth: () => [
      {
        frames: [
          '_start',
          { holds: ['round '], times: [0, 1] }, // interpreted at first
          { holds: ['down '], times: 20 },
          { holds: ['burn '] },
        ],
      },
    ],
  },
]
