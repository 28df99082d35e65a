// Which real binaries do the tests of the names side read? Those of this machine, and one compiled here; for tests only.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Profile } from '#profile/model/profile'
import type { Result } from '#profile/model/result'
import type { Window } from '../aggregate/window.ts'
import { bytesSource } from '../elf/byte-source.ts'
import { type ElfFile, readElf } from '../elf/elf-file.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A new directory, gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flametrail-names-'))
  folders.push(folder)
  return folder
}

/** Compiles a C program into a new directory; returns the path of the binary.  cost 50 to 200 ms */
export function compile(source: string, flags: readonly string[] = []): string {
  const folder = temporaryFolder()
  const file = join(folder, 'program.c')
  const binary = join(folder, 'program')
  writeFileSync(file, source)
  execFileSync('gcc', ['-O1', '-fno-inline', '-fno-omit-frame-pointer', ...flags, '-o', binary, file])
  return binary
}

/** What the value of a Result must be here. */
export function expectSuccess<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

/** A copy of a file: Node's Buffer shares its memory, `slice` included. */
export const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path))

export const readElfFile = (path: string): ElfFile => expectSuccess(readElf(bytesSource(readBytes(path))))

export interface NmLine {
  readonly address: number
  readonly size: number
  readonly type: string
  readonly name: string
}

/** Defined symbols as binutils see them. */
export function nm(path: string, ...flags: readonly string[]): NmLine[] {
  const text = execFileSync('nm', ['-S', '--defined-only', ...flags, path], {
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString()
  return text
    .split('\n')
    .map((line) => /^([0-9a-f]+) (?:([0-9a-f]+) )?(\S) (.+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, address, size, type, name]) => ({
      address: Number.parseInt(address!, 16),
      size: Number.parseInt(size ?? '0', 16),
      type: type!,
      name: name!.replace(/(?<=.)@.*$/, ''),
    }))
}

/** The C library that this test itself runs on: a large, stripped, real one. */
export const libcPath = (): string => /\S*\/libc[.-]\S*/.exec(readFileSync('/proc/self/maps', 'utf8'))![0]

/** One stack of a window. */
export interface WindowRow {
  readonly tgid: number
  readonly startTicks: number
  readonly generation?: number
  readonly comm?: string
  readonly stop?: string
  readonly samples?: number
  /** Leaf first. */
  readonly kernel?: readonly (readonly [number, number])[]
  readonly user?: readonly number[]
}

/** A window as the aggregator makes it. */
export function windowOf(rows: readonly WindowRow[]): Window {
  const frames = rows.map(({ kernel = [], user = [] }) => [
    ...kernel,
    ...user.map((address) => [Math.floor(address / 2 ** 32), address >>> 0] as const),
  ])
  const frameStart = new Uint32Array(rows.length + 1)
  frames.forEach((one, i) => {
    frameStart[i + 1] = frameStart[i]! + one.length
  })
  const samples = Uint32Array.from(rows, (row) => row.samples ?? 1)
  return {
    timeMs: 1000,
    durationMs: 10_000,
    count: rows.length,
    samplesTotal: samples.reduce((sum, count) => sum + count, 0),
    tgid: Uint32Array.from(rows, (row) => row.tgid),
    startTicks: Uint32Array.from(rows, (row) => row.startTicks),
    generation: Uint32Array.from(rows, (row) => row.generation ?? 0),
    comm: rows.map((row) => row.comm ?? 'thread'),
    cgroupLow: new Uint32Array(rows.length),
    cgroupHigh: new Uint32Array(rows.length),
    stop: rows.map((row) => row.stop ?? 'fp_zero'),
    samples,
    frameStart,
    kernelFrames: Uint16Array.from(rows, (row) => row.kernel?.length ?? 0),
    addressHigh: Uint32Array.from(frames.flat(), ([high]) => high),
    addressLow: Uint32Array.from(frames.flat(), ([, low]) => low),
  }
}

/** Stacks as people read them: root first, each frame a name or binary+0xaddress. */
export function drawStacks(profile: Profile): string[] {
  const { samples, stacks, locations, mappings, functions, lines, strings } = profile
  const frame = (location: number) => {
    const line = locations.lineStart[location]!
    if (line < locations.lineStart[location + 1]!) return strings[functions.name[lines.function[line]!]!]!
    return `${strings[mappings.file[locations.mapping[location]!]!]}+0x${locations.addressLow[location]!.toString(16)}`
  }
  return Array.from(samples.stack, (leaf, i) => {
    const frames: string[] = []
    for (let node = leaf; node > 0; node = stacks.parent[node]!) frames.unshift(frame(stacks.location[node]!))
    return `${frames.join(';')} ${samples.value[i]}`
  })
}

/** Go toolchains of this machine, the newest first; tests that need one are skipped where there is none. */
export const goToolchains: readonly string[] = [
  '/usr/local/go/bin/go',
  '/usr/bin/go',
  '/usr/lib/go-1.19/bin/go',
].filter((path) => existsSync(path))

/** Compiles a Go program into a new directory; returns the path of the binary.  cost 0.2 to 2 s
 *  in   files  by name, beside main.go */
export function compileGo(
  source: string,
  {
    go = goToolchains[0] ?? 'go',
    flags = [],
    files = {},
  }: {
    readonly go?: string
    readonly flags?: readonly string[]
    readonly files?: Readonly<Record<string, string>>
  } = {},
): string {
  const folder = temporaryFolder()
  const all = { 'main.go': source, 'go.mod': 'module example.com/program\n\ngo 1.19\n', ...files }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text)
  const env = { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', GOROOT: '' }
  execFileSync(go, ['build', ...flags, '-o', 'program', '.'], { cwd: folder, env, stdio: 'pipe' })
  return join(folder, 'program')
}
