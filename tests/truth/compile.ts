// Makes the truth programs: one folder per run, a name of its own for each, so that threads can be told by it.
import { execFileSync } from 'node:child_process'
import { existsSync, symlinkSync } from 'node:fs'
import path from 'node:path'

const sources = path.join(import.meta.dirname, 'sources')

/** What a program is made from. */
export interface Source {
  /** File in `sources/`; its ending says the language. */
  readonly file: string
  readonly flags?: readonly string[]
  /** Instead of the one that its language has. */
  readonly compiler?: string
  /** Libraries and objects made by `compileParts`, by name. */
  readonly links?: readonly string[]
}

const OPTIMIZED = ['-D_GNU_SOURCE', '-O2', '-g0', '-fomit-frame-pointer', '-fno-optimize-sibling-calls']
const LAZY = ['-Wl,-z,lazy']

/** Where a compiler or interpreter is; undefined: not on this machine. */
export function toolPath(name: string): string | undefined {
  const folders = [
    ...(process.env.PATH ?? '').split(':'),
    '/usr/local/go/bin',
    `${process.env.HOME}/.cargo/bin`,
  ]
  // A shim of a version manager starts the interpreter as another process, under another name.
  return folders
    .filter((folder) => !folder.endsWith('/shims'))
    .map((folder) => path.join(folder, name))
    .find(existsSync)
}

/** Compiles the libraries and the object that programs load or link.  throws what gcc says */
export function compileParts(folder: string): void {
  const library = (name: string, source: string, ...flags: string[]) =>
    gcc([
      '-shared',
      '-fPIC',
      ...OPTIMIZED,
      ...flags,
      '-o',
      path.join(folder, name),
      path.join(sources, source),
    ])
  library('alpha.so', 'plugin_alpha.c')
  library('beta.so', 'plugin_beta.c')
  library('liblazy.so', 'lazy_library.c', ...LAZY)
  const noTables = ['-fno-asynchronous-unwind-tables', '-fno-unwind-tables', '-fno-omit-frame-pointer']
  const object = ['-c', '-O2', '-g0', ...noTables, '-mno-omit-leaf-frame-pointer']
  gcc([...object, '-o', path.join(folder, 'plain.o'), path.join(sources, 'plain_object.c')])
}

/** Makes `folder/name` from a source, or finds the interpreter and links it there under this name.
 *  out  the words that start it, or why it cannot be made here; throws what a compiler says */
export function compile(
  folder: string,
  name: string,
  source: Source,
): readonly string[] | { readonly missing: string } {
  const target = path.join(folder, name)
  const file = path.join(sources, source.file)
  const flags = source.flags ?? []
  const links = (source.links ?? []).map((link) => path.join(folder, link))
  const tool = source.compiler ?? TOOLS[path.extname(source.file)]!
  const found = toolPath(tool)
  if (found === undefined) return { missing: `${tool} is not installed` }
  if (tool === 'python3' || tool === 'node') {
    symlinkSync(found, target)
    return [target, ...flags, file]
  }
  const run = (words: readonly string[], cwd = folder) =>
    execFileSync(found, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  if (tool === 'go') run(['build', '-o', target, ...flags, file])
  else if (tool === 'rustc') run(['-O', '-o', target, ...flags, file])
  else
    run([
      ...OPTIMIZED,
      ...flags,
      '-o',
      target,
      file,
      ...links,
      ...(links.length > 0 ? [`-Wl,-rpath,${folder}`] : []),
    ])
  return [target]
}

const TOOLS: Readonly<Record<string, string>> = {
  '.c': 'gcc',
  '.cpp': 'g++',
  '.go': 'go',
  '.rs': 'rustc',
  '.py': 'python3',
  '.cjs': 'node',
}

function gcc(words: readonly string[]): void {
  execFileSync('gcc', words, { stdio: ['ignore', 'pipe', 'pipe'] })
}
