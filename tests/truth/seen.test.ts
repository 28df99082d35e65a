import { expect, it } from 'vitest'
import { ProfileBuilder } from '#profile/model/builder'
import { asId, NONE, type StackId } from '#profile/model/ids'
import { labelsOf } from '#profile/model/labels'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { stacksOf } from './seen.ts'

function profileOf(
  rows: readonly (readonly [
    comm: string,
    stack: readonly (readonly [kind: string, ...names: string[]])[],
    value: number,
  ])[],
) {
  const builder = new ProfileBuilder()
  for (const [comm, stack, value] of rows) {
    let at: StackId = asId(0)
    for (const [i, [kind, ...names]] of stack.entries()) {
      const mapping =
        kind === 'marker'
          ? NONE
          : builder.mapping({ file: kind === 'kernel' ? 'vmlinux' : 'app', buildId: '' })
      const lines = names.map((name) => ({ function: builder.function({ name }), line: 0 }))
      at = builder.stack(at, builder.location({ mapping, addressHigh: 0, addressLow: i, kind, lines }))
    }
    builder.sample({ stack: at, labelSet: builder.labelSet(labelsOf([['comm', comm]])), value, timeMs: 1 })
  }
  return builder.build({ type: CPU_SAMPLES, period: 1, timeMs: 1, durationMs: 1 })
}

it('stacks of one name are read root first, without the kernel, inlined frames apart, equal ones added', () => {
  const main = ['native', 'main'] as const
  const profile = profileOf([
    ['mine', [main, ['native', 'inlined', 'outer'], ['native']], 2],
    ['mine', [main, ['native', 'inlined', 'outer'], ['native'], ['kernel', 'read']], 3],
    ['other', [main], 7],
    ['mine', [['marker', '[truncated]'], main], 1],
    ['mine', [['kernel', 'exit']], 4],
  ])
  const named = (name: string) => ({ name, binary: 'app' })
  expect(stacksOf(profile, 'mine')).toEqual([
    { frames: [named('main'), named('outer'), named('inlined'), named('')], samples: 5 },
    { frames: [{ name: '[truncated]', binary: '' }, named('main')], samples: 1 },
    { frames: [], samples: 4 },
  ])
  expect(stacksOf(profile, 'mine', ({ name }) => name === 'main')).toEqual([
    { frames: [named('main')], samples: 6 },
    { frames: [], samples: 4 },
  ])
  expect(stacksOf(profile, 'nobody')).toEqual([])
})
