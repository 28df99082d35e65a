// Which module is a file of Python? Its own `__name__` stands in the globals of a frame, behind a dictionary, one more
// pointer for each sample; the path says it nearly always. What it cannot say is the file's own name, never a guess.
import { baseName } from '../host/text.ts'

/** How the interpreter was started, as far as it names modules. */
export interface Program {
  /** The file that is `__main__`; "": none is, as in an interactive one. */
  readonly script: string
  /** Where its modules are looked for first, with a slash at the end; "" if unknown. */
  readonly folder: string
  /** `-m package.module`: the module that is `__main__`. */
  readonly module: string
  /** `-c`: what has no file is `__main__`. */
  readonly isCommand: boolean
}

// Options that take the next word as their value.
const WITH_VALUE = ['-W', '-X', '--check-hash-based-pycs']
const WORDS_MAX = 64

/** Reads a command line.
 *  in   bytes   of /proc/PID/cmdline: words that end in NUL
 *       folder  of the process, now; "" if unknown */
export function programOf(bytes: Uint8Array, folder = ''): Program {
  const words = new TextDecoder().decode(bytes).split('\0').slice(1, WORDS_MAX)
  const here = folder === '' ? '' : `${folder.replace(/\/$/, '')}/`
  const nothing = { script: '', folder: here, module: '', isCommand: false }
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (WITH_VALUE.includes(word)) i++
    else if (!word.startsWith('-') || word === '-')
      return word === '-' ? { ...nothing, script: '<stdin>' } : { ...nothing, ...scriptOf(word, here) }
    else if (!word.startsWith('--')) {
      // Letters may stand together: -Bm module, -Ibc command; a value may touch its letter: -Wignore, -mmodule.
      const value = /^-[^cmWX]*([cmWX])(.*)$/s.exec(word)
      const text = value?.[2] || words[i + 1] || ''
      if (value?.[1] === 'c') return { ...nothing, isCommand: true }
      if (value?.[1] === 'm') return { ...nothing, module: text }
      if (value && value[2] === '') i++
    }
  }
  return nothing
}

function scriptOf(script: string, here: string): Pick<Program, 'script' | 'folder'> {
  const own = script.slice(0, script.lastIndexOf('/') + 1).replace(/^(?:\.\/)+/, '')
  return { script, folder: own.startsWith('/') ? own : here === '' ? '' : `${here}${own}` }
}

const ROOTS = /.*\/(?:site-packages|dist-packages|lib-dynload|python3(?:\.\d+)?t?|python3\d*\.zip)\//

/** The module of a file: `package.module`, `__main__`.
 *  in   file  as code objects say it: a path, "<string>", "<frozen importlib._bootstrap>" */
export function moduleOf(file: string, program: Program): string {
  const frozen = /^<frozen ([\w.]+)>$/.exec(file)
  if (frozen) return frozen[1]!
  if (file.startsWith('<'))
    return (program.isCommand && file === '<string>') || file === program.script ? '__main__' : file
  if (isScript(file, program)) return '__main__'
  const module = dotted(relative(file, program.folder))
  const isMain =
    program.module !== '' && (module === program.module || module === `${program.module}.__main__`)
  const isMainElsewhere = program.module !== '' && file.endsWith(`/${program.module.replaceAll('.', '/')}.py`)
  return isMain || isMainElsewhere ? '__main__' : module
}

/** The interpreter makes the script's path absolute, from 3.9 on; before, it is as it was given. A program that has
 *  changed its folder is known by the end of the path, if that is no library's. */
function isScript(file: string, { script, folder }: Program): boolean {
  if (script === '') return false
  const bare = script.replace(/^(?:\.\/)+/, '')
  if (file === script || file === `${folder}${baseName(script)}`) return true
  return !bare.startsWith('/') && !bare.startsWith('..') && !ROOTS.test(file) && file.endsWith(`/${bare}`)
}

/** Below where modules are looked for: a library's folder, or that of the script. */
function relative(file: string, folder: string): string {
  const root = ROOTS.exec(file)
  if (root) return file.slice(root[0].length)
  if (folder !== '' && file.startsWith(folder)) return file.slice(folder.length)
  return baseName(file) === '__init__.py' ? file.split('/').slice(-2).join('/') : baseName(file)
}

const dotted = (path: string) =>
  path
    .replace(/\.pyc?$/, '')
    .replace(/\/__init__$/, '')
    .replaceAll('/', '.')
