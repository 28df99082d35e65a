// Which real binaries do the tests of the names side read? Those of this machine, and one compiled here; for tests only.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Result } from '#profile/model/result'
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
