import { describe, expect, it } from 'vitest'
import { treeFromStacks } from '#profile/testing/draw'
import { judgeKernel, type KernelFacts } from './doctor/kernel.ts'
import { judgeRights, type RightsFacts } from './doctor/rights.ts'
import { judgeClock, judgeDisk, judgePort, judgeReach } from './doctor/server.ts'
import { judgeTree } from './doctor/stacks.ts'
import { printFindings } from './doctor.ts'

const goodKernel: KernelFacts = {
  release: '6.1.0-18-amd64',
  arch: 'x64',
  hasBtf: true,
  lockdown: '[none] integrity confidentiality',
  pidNamespace: 'pid:[4026531836]',
  hasCgroup2: true,
}
const bits = (...numbers: number[]) => numbers.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)
const goodRights: RightsFacts = {
  effective: bits(39, 38, 19, 2, 34, 40),
  uid: 0,
  perfEventParanoid: 2,
  kptrRestrict: 1,
  procOptions: 'rw,nosuid',
}
const states = (findings: readonly { name: string; state: string }[]) =>
  findings.filter(({ state }) => state !== 'ok').map(({ name, state }) => `${name}: ${state}`)

describe('the doctor on the kernel', () => {
  it('finds nothing on a stock Debian 12', () => {
    expect(states(judgeKernel(goodKernel))).toEqual([])
  })
  it.each([
    ['an old kernel', { release: '5.15.0-91-generic' }, ['kernel: fail']],
    ['another processor', { arch: 'arm64' }, ['processor: fail']],
    ['no type information', { hasBtf: false }, ['kernel types (BTF): fail']],
    ['lockdown confidentiality', { lockdown: 'none integrity [confidentiality]' }, ['kernel lockdown: fail']],
    ['a container’s PID namespace', { pidNamespace: 'pid:[4026532001]' }, ['PID namespace: fail']],
    ['cgroup v1', { hasCgroup2: false }, ['cgroup v2: warn']],
  ])('names %s', (_, change, expected) => {
    expect(states(judgeKernel({ ...goodKernel, ...change }))).toEqual(expected)
  })
  it('takes a kernel 10.0 for newer than 6.1', () => {
    expect(states(judgeKernel({ ...goodKernel, release: '10.0.0' }))).toEqual([])
  })
})

describe('the doctor on rights', () => {
  it('finds nothing for root', () => {
    expect(states(judgeRights(goodRights))).toEqual([])
  })
  it('fails for a user without any, and names each loss', () => {
    const found = judgeRights({ ...goodRights, effective: 0n, uid: 1000, perfEventParanoid: 3 })
    expect(states(found)).toEqual([
      'capability BPF: fail',
      'capability PERFMON: fail',
      'capability SYS_PTRACE: warn',
      'capability DAC_READ_SEARCH: warn',
      'capability SYSLOG: warn',
      'capability CHECKPOINT_RESTORE: warn',
      'perf_event_paranoid: fail',
      'kptr_restrict: warn',
    ])
    for (const finding of found)
      expect(finding.state === 'ok' || (finding.cure !== undefined && finding.lost !== undefined)).toBe(true)
  })
  it('warns of kptr_restrict 2 even to root', () => {
    expect(states(judgeRights({ ...goodRights, kptrRestrict: 2 }))).toEqual(['kptr_restrict: warn'])
  })
})

describe('the doctor on servers', () => {
  const reached = (version: string | undefined, offsetMs = 0) => ({
    backend: 'http://x:4040',
    answer: { version, offsetMs },
    why: '',
  })
  const nobody = { backend: 'http://x:4040', answer: undefined, why: 'ECONNREFUSED' }
  const now = Date.UTC(2026, 10, 24)

  it('tells a foreign server from none and from ours', () => {
    expect(judgeReach(nobody).state).toBe('warn')
    expect(judgeReach(reached(undefined)).state).toBe('fail')
    expect(judgeReach(reached('0.1.0')).state).toBe('ok')
  })
  it('names a clock that is minutes off the backend’s, or years in the past', () => {
    expect(judgeClock(reached('0.1.0', 500), now).state).toBe('ok')
    expect(judgeClock(nobody, now).state).toBe('ok')
    expect(judgeClock(reached('0.1.0', -300_000), now).found).toContain('-300 s off')
    expect(judgeClock(nobody, 0)).toMatchObject({ state: 'fail', found: '1970-01-01T00:00:00.000Z' })
  })
  it('finds a taken port and names another', async () => {
    const { createServer } = await import('node:net')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const finding = await judgePort(`127.0.0.1:${port}`, false)
    expect(finding.state).toBe('fail')
    expect(finding.found).toContain('EADDRINUSE')
    expect((await judgePort(`127.0.0.1:${port}`, true)).state).toBe('ok')
    await new Promise((resolve) => server.close(resolve))
  })
  it('judges the disk of a directory that does not exist yet by its parent', () => {
    expect(judgeDisk('/tmp/flametrail-doctor/not/there').state).toBe('ok')
  })
})

describe('the stacks of a host', () => {
  it('are well where they are whole and named', () => {
    const tree = treeFromStacks(`
      main    main
      a!work  a!rest
    `)
    expect(judgeTree(tree)).toEqual([
      { name: 'stacks', state: 'ok', found: '100 % of 2 stacks complete' },
      { name: 'names', state: 'ok', found: '100 % of their frames named' },
    ])
  })

  it('are spoiled by binaries, the worst first, each with its cure', () => {
    const tree = treeFromStacks(`
      [truncated]     [truncated]     [truncated]  main          main    main
      libc.so.6!read  libc.so.6!read  tsc!main     tsc!+0x10     a!work  node![anonymous]
                                      tsc!+0x20    tsc!+0x30
    `)
    const [stacks, names] = judgeTree(tree)
    expect(stacks).toMatchObject({
      state: 'warn',
      found: '50 % of 6 stacks complete; the others end in libc.so.6 (67 %), tsc (33 %)',
      cure: "build them with frame pointers or .eh_frame tables (gcc's default): libc.so.6, tsc",
    })
    expect(names).toMatchObject({
      state: 'warn',
      found: '72.7 % of their frames named; the others are in tsc (100 %)',
      cure: 'tsc: install its debug symbols (a -dbg or -dbgsym package), or build it without strip',
    })
  })

  it('tell nothing of a host that does nothing', () => {
    expect(judgeTree(treeFromStacks(''))).toEqual([])
  })
})

describe('printFindings', () => {
  it('puts loss and cure under what is not ok, and escapes foreign text', () => {
    const text = printFindings([
      { name: 'kernel', state: 'ok', found: '6.1' },
      { name: 'disk', state: 'fail', found: 'evil\u001b[2J', lost: 'everything', cure: 'buy one' },
    ])
    expect(text).toBe(
      'ok    kernel  6.1\nFAIL  disk    evil?[2J\n              lost: everything\n              cure: buy one\n\n1 ok, 0 warnings, 1 failures\n',
    )
  })
})
