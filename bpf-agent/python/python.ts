// What is all of Python made of on a real machine? Interpreters that the kernel walks, and the names of what it met.
import type { RawStacks } from '../kernel/raw-stack.ts'
import { createPythonFrames, type PythonFrames } from './frames.ts'
import { createInterpreters, type Interpreters, type InterpretersParts } from './interpreters.ts'
import { type LoadedPythons, publishPython } from './publish.ts'

export interface Python {
  readonly interpreters: Interpreters
  readonly frames: PythonFrames
  /** Turns the frames of Python in a batch into functions and lines, in place. */
  resolve(batch: RawStacks): void
  close(): void
}

/** Starts with no interpreter known.
 *  in   runtimeOf  the number of the interpreter that the kernel has for a process; 0: none */
export function createPython({
  sampler,
  open,
  runtimeOf,
}: {
  readonly sampler: LoadedPythons
  readonly open: InterpretersParts['open']
  readonly runtimeOf: (tgid: number, startTicks: number) => number
}): Python {
  const interpreters = createInterpreters({
    open,
    write: (index, interpreter) => publishPython(sampler, index, interpreter),
    rows: sampler.spec.maps.find(({ name }) => name === 'pythons')!.entries,
  })
  const frames = createPythonFrames({
    interpreterOf: (tgid, startTicks) => interpreters.at(runtimeOf(tgid, startTicks)),
  })
  return { interpreters, frames, resolve: frames.resolve, close: frames.close }
}
