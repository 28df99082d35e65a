// Can this kernel run the sampler? Version, type information, lockdown, namespaces, cgroups. Judgements are pure; `kernelFacts` reads.
import { existsSync, readFileSync, readlinkSync, statfsSync } from 'node:fs'
import { arch, release } from 'node:os'
import { type Finding, fail, ok, warn } from './check.ts'

/** What the judgements need to know. */
export interface KernelFacts {
  readonly release: string
  readonly arch: string
  readonly hasBtf: boolean
  /** Text of /sys/kernel/security/lockdown, e.g. "[none] integrity confidentiality"; undefined: no such file. */
  readonly lockdown: string | undefined
  /** Target of /proc/self/ns/pid. */
  readonly pidNamespace: string
  readonly hasCgroup2: boolean
}

export const INITIAL_PID_NAMESPACE = 'pid:[4026531836]'
const CGROUP2_MAGIC = 0x63677270

export function kernelFacts(): KernelFacts {
  return {
    release: release(),
    arch: arch(),
    hasBtf: existsSync('/sys/kernel/btf/vmlinux'),
    lockdown: existsSync('/sys/kernel/security/lockdown')
      ? readFileSync('/sys/kernel/security/lockdown', 'utf8')
      : undefined,
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
    hasCgroup2: ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].some(
      (path) => existsSync(path) && statfsSync(path).type === CGROUP2_MAGIC,
    ),
  }
}

export function judgeKernel(facts: KernelFacts): Finding[] {
  return [version(facts), processor(facts), btf(facts), lockdown(facts), pidNamespace(facts), cgroup2(facts)]
}

function version({ release }: KernelFacts): Finding {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
  if (major > 6 || (major === 6 && minor >= 1)) return ok('kernel', release)
  return fail(
    'kernel',
    `${release}, older than 6.1`,
    'the agent cannot load its program',
    'boot a kernel 6.1 or newer (Debian 12 and Ubuntu 24.04 have one)',
  )
}

function processor({ arch }: KernelFacts): Finding {
  if (arch === 'x64') return ok('processor', arch)
  return fail(
    'processor',
    arch,
    'the agent is built and tested for x86-64 only',
    'run the agent on x86-64; the backend runs here',
  )
}

function btf({ hasBtf }: KernelFacts): Finding {
  if (hasBtf) return ok('kernel types (BTF)', '/sys/kernel/btf/vmlinux')
  return fail(
    'kernel types (BTF)',
    '/sys/kernel/btf/vmlinux is missing',
    'the program cannot find the fields of this kernel',
    'boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (all stock kernels of Debian, Ubuntu, Fedora are)',
  )
}

function lockdown({ lockdown }: KernelFacts): Finding {
  const level = lockdown === undefined ? 'none' : (/\[(\w+)\]/.exec(lockdown)?.[1] ?? 'unknown')
  if (level !== 'confidentiality') return ok('kernel lockdown', level)
  return fail(
    'kernel lockdown',
    level,
    'BPF programs may not read memory, so no stack can be read',
    'boot with lockdown=integrity or lockdown=none',
  )
}

function pidNamespace({ pidNamespace }: KernelFacts): Finding {
  if (pidNamespace === INITIAL_PID_NAMESPACE) return ok('PID namespace', 'the host’s')
  return fail(
    'PID namespace',
    `${pidNamespace}, not the host’s`,
    'samples carry the host’s process ids, which mean other processes here',
    'run the agent in the host’s PID namespace (docker run --pid=host, hostPID: true)',
  )
}

function cgroup2({ hasCgroup2 }: KernelFacts): Finding {
  if (hasCgroup2) return ok('cgroup v2', 'mounted')
  return warn(
    'cgroup v2',
    'not mounted',
    'containers of processes that have ended cannot be told',
    'boot with systemd.unified_cgroup_hierarchy=1',
  )
}
