import { describe, expect, it } from 'vitest'
import { explainLoadFailure, type MachineFacts } from './explain.ts'

const ALL = (1n << 41n) - 1n
const machine = (change: Partial<MachineFacts> = {}): MachineFacts => ({
  release: '6.1.0',
  hasBtf: true,
  capabilities: ALL,
  lockdown: 'none',
  ...change,
})
const eperm = { message: 'making the first BPF map: EPERM, operation not permitted', word: 'EPERM' }
const einval = { message: 'loading the sampler: EINVAL, invalid argument', word: 'EINVAL' }

describe('explainLoadFailure', () => {
  it.each([
    [
      'no capabilities',
      eperm,
      machine({ capabilities: 0n }),
      'lacks CAP_PERFMON and CAP_BPF: run the agent as root',
    ],
    ['only BPF', eperm, machine({ capabilities: 1n << 39n }), 'lacks CAP_PERFMON:'],
    ['lockdown', eperm, machine({ lockdown: 'confidentiality' }), 'locked down'],
    ['no BTF', einval, machine({ hasBtf: false }), '/sys/kernel/btf/vmlinux'],
    ['seccomp', eperm, machine(), 'seccomp'],
    ['no memory', { message: 'x', word: 'ENOMEM' }, machine(), 'memory limit'],
    ['an old kernel', einval, machine({ release: '5.4.0' }), 'kernel 5.4.0 does not take this program'],
  ])('names the cure for %s', (_, error, facts, cure) => {
    const text = explainLoadFailure(error, '', facts)
    expect(text).toContain(cure)
    expect(text).toContain(error.message)
    expect(text).not.toContain('\n')
  })

  it('holds SYS_ADMIN, which stands in for both, for enough', () => {
    expect(explainLoadFailure(einval, '', machine({ capabilities: 1n << 21n }))).not.toContain('lacks')
  })

  it('ends with the last twenty lines of the verifier', () => {
    const log = Array.from({ length: 100 }, (_, i) => `line ${i}`).join('\n')
    const lines = explainLoadFailure(einval, log, machine()).split('\n')
    expect(lines.slice(2)).toEqual(Array.from({ length: 20 }, (_, i) => `line ${80 + i}`))
  })
})
