// May this user sample the host? Capabilities and the sysctls that restrict perf events and kernel symbols.
import { readFileSync } from 'node:fs'
import { type Finding, fail, ok, warn } from './check.ts'

export interface RightsFacts {
  /** CapEff of /proc/self/status. */
  readonly effective: bigint
  readonly uid: number
  /** Values of the sysctls; undefined: no such file. */
  readonly perfEventParanoid: number | undefined
  readonly kptrRestrict: number | undefined
  /** Options of the /proc mount. */
  readonly procOptions: string
}

interface Capability {
  readonly name: string
  readonly bit: bigint
  readonly needed: boolean
  readonly lost: string
}

/** Numbers of linux/capability.h. */
const CAPABILITIES: readonly Capability[] = [
  { name: 'BPF', bit: 39n, needed: true, lost: 'the program cannot be loaded' },
  { name: 'PERFMON', bit: 38n, needed: true, lost: 'the program cannot be loaded nor the CPUs be sampled' },
  { name: 'SYS_PTRACE', bit: 19n, needed: false, lost: 'binaries of other users stay unnamed' },
  {
    name: 'DAC_READ_SEARCH',
    bit: 2n,
    needed: false,
    lost: 'binaries that only their owner may read stay unnamed',
  },
  { name: 'SYSLOG', bit: 34n, needed: false, lost: 'kernel functions stay unnamed' },
  {
    name: 'CHECKPOINT_RESTORE',
    bit: 40n,
    needed: false,
    lost: 'deleted and replaced libraries stay unnamed',
  },
]
const SYS_ADMIN = 21n

export function rightsFacts(): RightsFacts {
  const status = readFileSync('/proc/self/status', 'utf8')
  return {
    effective: BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`),
    uid: process.getuid?.() ?? -1,
    perfEventParanoid: sysctl('kernel/perf_event_paranoid'),
    kptrRestrict: sysctl('kernel/kptr_restrict'),
    procOptions:
      readFileSync('/proc/self/mounts', 'utf8')
        .split('\n')
        .find((line) => line.split(' ')[1] === '/proc')
        ?.split(' ')[3] ?? '',
  }
}

function sysctl(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return undefined // this kernel was built without it, or hides it: then it restricts nothing we can name
  }
}

export function judgeRights(facts: RightsFacts): Finding[] {
  const has = (bit: bigint) => (facts.effective & (1n << bit)) !== 0n
  return [
    ...CAPABILITIES.map((capability) => judgeCapability(capability, has(capability.bit))),
    paranoid(facts, has),
    kptr(facts, has(34n)),
    hidepid(facts),
  ]
}

function judgeCapability({ name, needed, lost }: Capability, isHeld: boolean): Finding {
  const title = `capability ${name}`
  if (isHeld) return ok(title, 'held')
  const cure =
    'run as root: sudo npx flametrail agent (or give the unit AmbientCapabilities=CAP_BPF CAP_PERFMON CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_SYSLOG CAP_CHECKPOINT_RESTORE)'
  return needed ? fail(title, 'not held', lost, cure) : warn(title, 'not held', lost, cure)
}

function paranoid({ perfEventParanoid: level }: RightsFacts, has: (bit: bigint) => boolean): Finding {
  const name = 'perf_event_paranoid'
  if (level === undefined)
    return fail(
      name,
      'no /proc/sys/kernel/perf_event_paranoid',
      'this kernel has no perf events, so nothing can be sampled',
      'boot a kernel built with CONFIG_PERF_EVENTS=y',
    )
  // Debian and Ubuntu know levels above 2 that ask for more than PERFMON.
  if (level > 2 && !has(SYS_ADMIN) && !has(38n))
    return fail(
      name,
      `${level}`,
      'perf events are refused to this user',
      'sudo sysctl kernel.perf_event_paranoid=2',
    )
  return ok(name, `${level}`)
}

function kptr({ kptrRestrict: level }: RightsFacts, hasSyslog: boolean): Finding {
  if (level === 2)
    return warn('kptr_restrict', '2', 'kernel functions stay unnamed', 'sudo sysctl kernel.kptr_restrict=1')
  if (level === 1 && !hasSyslog)
    return warn(
      'kptr_restrict',
      '1, and no capability SYSLOG',
      'kernel functions stay unnamed',
      'run as root or give CAP_SYSLOG',
    )
  return ok('kptr_restrict', level === undefined ? 'not known here' : `${level}`)
}

function hidepid({ procOptions, uid }: RightsFacts): Finding {
  const option = procOptions.split(',').find((word) => word.startsWith('hidepid=') && word !== 'hidepid=0')
  if (option === undefined || uid === 0) return ok('/proc', option ?? 'shows every process')
  return warn(
    '/proc',
    option,
    'processes of other users stay unnamed',
    'sudo mount -o remount,hidepid=0 /proc',
  )
}
