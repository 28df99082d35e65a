// Why did the kernel refuse the sampler? From an errno and what is known of the machine to one sentence with its cure.
// Pure: the same facts always give the same words.

export interface MachineFacts {
  readonly release: string
  readonly hasBtf: boolean
  /** Effective capabilities of this process, bit by number. */
  readonly capabilities: bigint
  /** Kernel lockdown: none, integrity or confidentiality. */
  readonly lockdown: string
}

/** Bits of the capabilities without which nothing loads; SYS_ADMIN stands in for both. */
const CAP_SYS_ADMIN = 21n
const NEEDED = [
  ['PERFMON', 38n],
  ['BPF', 39n],
] as const
/** The last lines of the verifier hold the reason; the thousands before are its way there. */
const LOG_LINES = 20

/** in   error  the failed call: `word` is the errno's name
 *       log    what the verifier said, "" if nothing
 *  out  one line; the verifier's last lines below it where there are any */
export function explainLoadFailure(
  error: { readonly message: string; readonly word: string },
  log: string,
  machine: MachineFacts,
): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  const said =
    lines.length === 0
      ? ''
      : `\nThe kernel's verifier said at the end:\n${lines.slice(-LOG_LINES).join('\n')}`
  return `cannot load the sampler: ${error.message}; ${cureOf(error.word, lines.length > 0, machine)}${said}`
}

function cureOf(
  word: string,
  hasLog: boolean,
  { release, hasBtf, capabilities, lockdown }: MachineFacts,
): string {
  const has = (bit: bigint) => ((capabilities >> bit) & 1n) === 1n
  const missing = has(CAP_SYS_ADMIN)
    ? []
    : NEEDED.filter(([, bit]) => !has(bit)).map(([name]) => `CAP_${name}`)
  if (missing.length > 0)
    return `this process lacks ${missing.join(' and ')}: run the agent as root, or give it CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE`
  if (lockdown === 'confidentiality')
    return 'the kernel is locked down (confidentiality), which forbids BPF to read memory: boot with lockdown=integrity or none'
  if (!hasBtf)
    return `the kernel ${release} has no type information (/sys/kernel/btf/vmlinux): use one built with CONFIG_DEBUG_INFO_BTF=y, as Debian 12, Ubuntu 22.04, RHEL 9 and newer do`
  if (word === 'EPERM' && !hasLog)
    return 'something above the capabilities refuses bpf(2): a container without them, seccomp, or a security module. Run outside the container, or allow bpf and perf_event_open'
  if (word === 'ENOMEM' || word === 'E2BIG')
    return 'the memory limit of this cgroup leaves no room for the maps (5 MB, and up to 32 MB of unwind tables): raise it'
  return `kernel ${release} does not take this program; 6.1 and newer are tested. Run flametrail doctor and report its output`
}
