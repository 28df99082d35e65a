import { describe, expect, it } from 'vitest'
import { judgeSampler } from './sampler.ts'
import { judgeStacks } from './stacks.ts'

const ticks = (received: number) => ({
  ...{ expected: 10, idle: 10 - received, received },
  ...{ dropped: new Map<string, number>(), stops: new Map<string, number>() },
})

describe('the sampler', () => {
  it('is well when samples came', () => {
    expect(judgeSampler({ kind: 'sampled', profile: undefined, ticks: ticks(7) })).toMatchObject({
      state: 'ok',
      found: 'loads and ticks; 7 samples in 3 s',
    })
  })
  it('fails when it loads and nothing comes, with the limits to look at', () => {
    const finding = judgeSampler({ kind: 'sampled', profile: undefined, ticks: ticks(0) })
    expect(finding.state).toBe('fail')
    expect(finding.cure).toContain('perf_event_max_sample_rate')
  })
  it('fails with the kernel’s own reason when it does not load, and says nothing of stacks', () => {
    const refused = { kind: 'refused', why: 'run as root' } as const
    expect(judgeSampler(refused)).toMatchObject({ state: 'fail', cure: 'run as root' })
    expect(judgeStacks(refused)).toEqual([])
  })
})
