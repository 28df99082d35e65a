// How is a snapshot walked by the C of the sampler? Compiled by the host's compiler, fed as text; and every one is walked
// by its twin in TypeScript too, which must say the same. For tests only.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'

/** Flags of the host's compiler: overflows, wild shifts and reads outside of an array end the run. */
const FLAGS = [
  ...['-O1', '-g', '-Wall', '-Wextra', '-Werror', '-Wno-attributes', '-Wno-unused-parameter'],
  ...['-fsanitize=undefined', '-fno-sanitize-recover=all'],
]
const COMPILERS = ['gcc', 'clang']
export const compiler = COMPILERS.find((name) => spawnSync(name, ['--version']).status === 0)

export interface Walked {
  /** Addresses to look up, leaf first. */
  readonly frames: readonly bigint[]
  /** As `enum stop_reason` names it, without STOP_ and in small letters. */
  readonly stop: string
  /** How many steps of each kind, those that were taken. */
  readonly steps: Readonly<Record<string, number>>
}

/** Compiles the walk for an architecture's registers and rules; it runs on this machine.
 *  in   twin  the walk in TypeScript; undefined where it does not walk
 *  out  walks a snapshot: lines as replay.c reads them. Throws when the two walks do not say the same */
export function compileReplay(
  arch: 'x86' | 'arm64',
  folder: string,
  twin: (lines: readonly string[], arch: 'x64' | 'arm64') => Walked | undefined,
): (lines: readonly string[]) => Walked {
  const binary = path.join(folder, `replay-${arch}`)
  const source = path.join(import.meta.dirname, 'replay.c')
  const args = [...FLAGS, `-D__TARGET_ARCH_${arch}`, '-o', binary, source]
  const compiled = spawnSync(compiler!, args, { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
  const stops = namesOf('stop_reason', 'STOP_')
  const kinds = namesOf('step_kind', 'STEP_')
  return (lines) => {
    const run = spawnSync(binary, { input: `${lines.join('\n')}\n`, encoding: 'utf8' })
    if (run.status !== 0) throw new Error(run.stderr || `replay ended by ${run.signal}`)
    const output = run.stdout.trim().split('\n')
    const steps = output.pop()!.split(' ').slice(1).map(Number)
    const stop = stops[Number(output.pop()!.split(' ')[1])]!
    const taken = kinds.map((kind, i) => [kind, steps[i]!] as const).filter(([, n]) => n > 0)
    const walked = {
      frames: output.map((word) => BigInt(`0x${word}`)),
      stop,
      steps: Object.fromEntries(taken),
    }
    const twins = twin(lines, arch === 'x86' ? 'x64' : 'arm64')
    if (twins !== undefined && !isDeepStrictEqual(walked, twins))
      throw new Error(`the C walked ${print(walked)}\nTypeScript walked ${print(twins)}`)
    return walked
  }
}

const FRAMES_SHOWN = 60
const print = ({ frames, stop, steps }: Walked) =>
  `${frames.length} frames: ${frames
    .slice(0, FRAMES_SHOWN)
    .map((frame) => frame.toString(16))
    .join(' ')} … ${stop} ${JSON.stringify(steps)}`

/** Names of an enum of abi.h, by value. */
export function namesOf(name: string, prefix: string): string[] {
  const text = readFileSync(path.join(import.meta.dirname, '../abi.h'), 'utf8')
  const body = new RegExp(`^enum ${name} \\{([^}]*)\\}`, 'm').exec(text)![1]!
  return [...body.matchAll(new RegExp(`^\\s*${prefix}(\\w+),`, 'gm'))].map(([, word]) => word!.toLowerCase())
}
