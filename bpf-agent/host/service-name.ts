// Which service does a process belong to? The first of: what it says itself by OpenTelemetry's two variables, the script
// an interpreter runs, the systemd unit, the executable, the name of the thread. Pure: bytes of /proc in, a name out;
// nothing else of environment and command line is kept.
import { baseName, cleanText } from './text.ts'

/** Longest name of a service; anything longer is an accident or an attack. */
const NAME_CHARS_MAX = 255

export interface ServiceEvidence {
  /** /proc/PID/environ, NUL-separated, perhaps cut; undefined: not readable, or not to be looked at. */
  readonly environ: Uint8Array | undefined
  /** /proc/PID/cmdline, NUL-separated, perhaps cut. */
  readonly commandLine: Uint8Array | undefined
  /** /proc/PID/cgroup. */
  readonly cgroup: string | undefined
  /** Base name of the program's file; "" if unknown. */
  readonly executable: string
}

/** The service name, cleaned; "" if nothing tells: the thread's name stands in then. */
export function serviceNameOf({ environ, commandLine, cgroup, executable }: ServiceEvidence): string {
  const name =
    (environ && nameInEnviron(environ)) ||
    (commandLine && scriptName(executable, argumentsOf(commandLine))) ||
    (cgroup && unitName(cgroup)) ||
    executable
  return cleanText(name ?? '', NAME_CHARS_MAX)
}

/** What its children are called too, for as long as nobody has read them: the name in the environment, which they get,
 *  or the unit they are in; "" if neither is there. */
export function familyNameOf({ environ, cgroup }: ServiceEvidence): string {
  return cleanText((environ && nameInEnviron(environ)) || (cgroup && unitName(cgroup)) || '', NAME_CHARS_MAX)
}

/** `OTEL_SERVICE_NAME`, or `service.name` in `OTEL_RESOURCE_ATTRIBUTES`; "" if neither is there. */
export function nameInEnviron(environ: Uint8Array): string {
  const direct = variable(environ, 'OTEL_SERVICE_NAME')?.trim()
  if (direct) return direct
  for (const pair of (variable(environ, 'OTEL_RESOURCE_ATTRIBUTES') ?? '').split(',')) {
    const equals = pair.indexOf('=')
    if (pair.slice(0, equals).trim() !== 'service.name') continue
    return percentDecoded(pair.slice(equals + 1).trim())
  }
  return ''
}

/** The unit of the innermost `*.service`, without its suffix. Not a user's manager, under which everything of a session
 *  lives, and not the unit around a container: that is the runtime. */
export function unitName(cgroup: string): string {
  for (const line of cgroup.split('\n')) {
    const path = line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1)
    const parts = path.split('/')
    if (parts.some(isContainer)) return ''
    const unit = parts.findLast((part) => part.endsWith('.service'))
    if (unit !== undefined && !unit.startsWith('user@')) return unit.slice(0, -'.service'.length)
  }
  return ''
}

const isContainer = (part: string) => /[0-9a-f]{64}/.test(part)

/** What an interpreter does with its arguments: which options take a value, which mean "no script follows". */
interface Interpreter {
  readonly withValue: readonly string[]
  readonly withoutScript: readonly string[]
  /** The option's value is itself the name: `python -m http.server`, `java -jar app.jar`. */
  readonly names: readonly string[]
}

const INTERPRETERS: readonly (readonly [pattern: RegExp, Interpreter])[] = [
  [
    /^python[0-9.]*$/,
    { withValue: ['-W', '-X', '--check-hash-based-pycs'], withoutScript: ['-c'], names: ['-m'] },
  ],
  [
    /^node(js)?$/,
    {
      withValue: ['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions'],
      withoutScript: ['-e', '--eval', '-p', '--print', '-pe'],
      names: [],
    },
  ],
  [/^ruby[0-9.]*$/, { withValue: ['-I', '-r', '-C', '-E'], withoutScript: ['-e'], names: [] }],
  [/^perl[0-9.]*$/, { withValue: ['-I'], withoutScript: ['-e', '-E'], names: [] }],
  [/^php[0-9.]*$/, { withValue: ['-c', '-d', '-S', '-t'], withoutScript: ['-r'], names: ['-f'] }],
  [
    /^java$/,
    {
      withValue: ['-cp', '-classpath', '--class-path', '-p', '--module-path'],
      withoutScript: [],
      names: ['-jar'],
    },
  ],
  [/^(ba|da|z|k)?sh$/, { withValue: ['-o', '-O', '--rcfile'], withoutScript: ['-c', '-s'], names: [] }],
]

/** The script of an interpreter, its base name only; "" for other programs and where no script is given.
 *  in   args  without the program itself */
export function scriptName(executable: string, args: readonly string[]): string {
  const interpreter = INTERPRETERS.find(([pattern]) => pattern.test(executable))?.[1]
  if (interpreter === undefined) return ''
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (interpreter.names.includes(arg)) return baseName(args[i + 1] ?? '')
    if (interpreter.withoutScript.includes(arg)) return ''
    if (interpreter.withValue.includes(arg)) i++
    else if (arg === '--') return baseName(args[i + 1] ?? '')
    else if (arg !== '' && !arg.startsWith('-')) return baseName(arg)
  }
  return ''
}

function argumentsOf(commandLine: Uint8Array): string[] {
  return new TextDecoder().decode(commandLine).split('\0').slice(1)
}

/** Value of a variable, found without turning the rest of the environment into strings. */
function variable(environ: Uint8Array, name: string): string | undefined {
  const key = new TextEncoder().encode(`${name}=`)
  for (let at = 0; at < environ.length; ) {
    const nul = environ.indexOf(0, at)
    const stop = nul === -1 ? environ.length : nul
    if (stop - at >= key.length && key.every((byte, i) => environ[at + i] === byte))
      return new TextDecoder().decode(environ.subarray(at + key.length, stop))
    at = stop + 1
  }
  return undefined
}

/** Values of OTEL_RESOURCE_ATTRIBUTES are percent-encoded; one that is not well encoded stands for itself. */
function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch (error) {
    if (error instanceof URIError) return value
    throw error
  }
}
