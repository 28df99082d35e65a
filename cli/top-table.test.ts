import { expect, it } from 'vitest'
import { profileFromText } from '#profile/testing/draw'
import { printTop, topOfProfile } from './top-table.ts'

it('shows the hottest functions of a profile, recursion once, and how many stacks end early', () => {
  const profile = profileFromText(`
    main  main  main       [truncated]
    serve serve libc!read  work
          serve
    1     5     3          1
  `)
  expect(printTop(topOfProfile(profile, 3))).toBe(
    [
      'function  binary    self   total',
      'serve             60.0 %  60.0 %',
      'read      libc    30.0 %  30.0 %',
      'work              10.0 %  10.0 %',
      '10 samples; 10 % of stacks end early',
      '',
    ].join('\n'),
  )
})

it('has no rows for no samples', () => {
  const profile = profileFromText('main\n0')
  expect(topOfProfile(profile, 10)).toMatchObject({
    total: 0,
    name: [],
    meta: { samples: 0, endEarly: 0, unnamed: 0 },
  })
})
