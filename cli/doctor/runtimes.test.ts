import { describe, expect, it } from 'vitest'
import { labelsOf } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { profileFromText } from '#profile/testing/draw'
import { judgeRuntimes, type ProgramSeen, programsSeen } from './runtimes.ts'

const seen = (executable: string, over: Partial<ProgramSeen> = {}): ProgramSeen => ({
  ...{ executable, samples: 100, anonymous: 0, endEarly: 0, markers: [] },
  ...over,
})
/** Names without blanks in drawings stand for those with. */
const renamed = (profile: Profile): Profile => ({
  ...profile,
  strings: profile.strings.map((text) =>
    text
      .replace('[anonymous_code]', '[anonymous code]')
      .replace('[python:_3.15]', '[python: no offsets for 3.15]'),
  ),
})

describe('the programs of a profile', () => {
  it('stand by executable, with what they keep to themselves', () => {
    const profile = renamed(
      profileFromText(
        `
        main              main   [truncated]
        [anonymous_code]  work   [python:_3.15]
        `,
        { labels: labelsOf([['executable', 'node']]) },
      ),
    )
    expect(programsSeen(profile)).toEqual([
      {
        executable: 'node',
        samples: 3,
        anonymous: 1 / 6,
        endEarly: 1 / 3,
        markers: ['[python: no offsets for 3.15]'],
      },
    ])
  })
  it('are none where no executable is known', () => {
    expect(programsSeen(profileFromText('main'))).toEqual([])
  })
})

describe('the doctor on runtimes', () => {
  it.each([
    ['node', '--perf-basic-prof'],
    ['java', 'Compiler.perfmap'],
    ['dotnet', 'DOTNET_PerfMapEnabled=1'],
    ['ruby3.3', '--yjit-perf'],
    ['chrome', '/tmp/perf-PID.map'],
  ])('tells the flag that makes %s name its code', (executable, flag) => {
    const [finding] = judgeRuntimes([seen(executable, { anonymous: 0.3 })])
    expect(finding).toMatchObject({ name: `runtime ${executable}`, state: 'warn' })
    expect(finding!.found).toContain('30 % of its frames')
    expect(finding!.cure).toContain(flag)
  })
  it('asks a JVM whose stacks end early to keep frame pointers', () => {
    const [finding] = judgeRuntimes([seen('java', { endEarly: 0.9 })])
    expect(finding!.cure).toContain('-XX:+PreserveFramePointer')
    expect(judgeRuntimes([seen('sh', { endEarly: 0.9 })])[0]!.state).toBe('ok')
  })
  it('repeats what the agent says of an interpreter', () => {
    const marker = '[python: no offsets for 3.15]'
    expect(judgeRuntimes([seen('python3.15', { markers: [marker] })])[0]).toMatchObject({
      state: 'warn',
      found: marker,
    })
  })
  it('is content with a trampoline, with a handful of samples, and with nothing', () => {
    const programs = [seen('node', { anonymous: 0.005 }), seen('sh', { samples: 2, anonymous: 1 })]
    for (const these of [programs, []])
      expect(judgeRuntimes(these)).toMatchObject([{ name: 'runtimes', state: 'ok' }])
  })
})

describe('every finding that is not well', () => {
  it('says what is lost and the cure', () => {
    const all = judgeRuntimes([seen('java', { anonymous: 1, endEarly: 1, markers: ['[jvm: unknown]'] })])
    expect(all).toHaveLength(3)
    for (const { lost, cure } of all) expect([lost, cure].every(Boolean)).toBe(true)
  })
})
