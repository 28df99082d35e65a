// Who is meant by --pid, --cgroup and the command after --? Together they are a union; none of them is everyone.
import { type CgroupTree, openCgroupTree } from '../../bpf-agent/host/cgroup-tree.ts'
import { createFamily, type Family } from '../../bpf-agent/host/family.ts'
import { readLink, readText } from '../../bpf-agent/host/proc.ts'
import { cgroupFolder, SettingError } from '../../bpf-agent/parts.ts'
import { Refusal, UsageError } from '../command.ts'
import { INITIAL_PID_NAMESPACE } from '../doctor/kernel.ts'
import { printable } from '../output.ts'

export interface Targets {
  /** undefined: neither PIDs nor a command were given. */
  readonly family: Family | undefined
  readonly cgroups: readonly CgroupTree[]
  /** "PID 42 (nginx)", "cgroup /a.slice", "make -j8", "every process". */
  readonly words: string
}

export interface Wanted {
  readonly pids: readonly string[]
  readonly cgroups: readonly string[]
  /** The command and its words; empty: none. It is not in the family before it has begun. */
  readonly command: readonly string[]
}

/** Finds the processes and cgroups that are meant.
 *  in      pidNamespace  ours; the kernel numbers samples as the host does, so in another one no PID would fit
 *  throws  UsageError for what is no PID or no cgroup, Refusal when no process has the PID, or none can be told */
export function findTargets(
  { pids, cgroups, command }: Wanted,
  pidNamespace = readLink('/proc/self/ns/pid'),
): Targets {
  const tgids = pids.map(parsePid)
  const isNumberedAsHost = pidNamespace === undefined || pidNamespace === INITIAL_PID_NAMESPACE
  if (!isNumberedAsHost && tgids.length + command.length > 0)
    throw new Refusal(
      '--pid and a command after -- need the PIDs of the host, and this shell has others; start the container with --pid=host, or sample --cgroup or every process',
    )
  const family = tgids.length > 0 || command.length > 0 ? createFamily() : undefined
  const words = [
    ...tgids.map((tgid) => {
      if (!family!.add(tgid))
        throw new Refusal(
          `--pid ${tgid}: no process has this PID here; \`pgrep -l NAME\` finds one, \`ps -p ${tgid}\` shows it`,
        )
      return `PID ${tgid} (${nameOf(tgid)})`
    }),
    ...cgroups.map((path) => `cgroup ${printable(path)}`),
    ...(command.length > 0 ? [shortened(printable(command.join(' ')))] : []),
  ]
  return { family, cgroups: cgroups.map(openCgroup), words: words.join(', ') || 'every process' }
}

function parsePid(word: string): number {
  const pid = /^\d{1,9}$/.test(word) ? Number(word) : 0
  if (pid < 1)
    throw new UsageError(`--pid ${printable(word)}: a PID is a number from 1; for example --pid 4711`)
  return pid
}

function openCgroup(path: string): CgroupTree {
  try {
    const folder = cgroupFolder(path, '--cgroup')
    const tree = openCgroupTree(folder)
    if (tree === undefined) throw new SettingError(`--cgroup ${path}: ${folder} cannot be read`)
    return tree
  } catch (error) {
    if (error instanceof SettingError) throw new UsageError(error.message)
    throw error
  }
}

const WORDS_MAX = 60
const shortened = (words: string) => (words.length > WORDS_MAX ? `${words.slice(0, WORDS_MAX - 1)}…` : words)

/** A process may call itself anything. */
const nameOf = (tgid: number) => printable((readText(`/proc/${tgid}/comm`, 64) ?? '').trimEnd()) || 'gone'
