import { expect, it } from 'vitest'
import { mergeProfiles } from '#profile/model/merge-profiles'
import { profileFromText } from '#profile/testing/draw'
import { type Slice, sliceOf } from './slice.ts'

const of = (service: string, text: string) => profileFromText(text, { labels: [['service_name', service]] })

/** One line per row: `self total function service`. */
const drawSlice = ({ rows }: Slice) =>
  rows.name.map((name, i) => `${rows.self[i]} ${rows.total[i]} ${name} ${rows.service[i]}`).sort()

it('counts each function of each service, recursion once', () => {
  const profile = mergeProfiles([
    of(
      'api',
      `
      main  main
      parse parse
      parse
      3     2
    `,
    ),
    of('job', 'main\nparse\n4'),
  ])
  const slice = sliceOf(profile, 1)
  expect(drawSlice(slice)).toEqual(['0 4 main job', '0 5 main api', '4 4 parse job', '5 5 parse api'])
  expect([slice.samples, slice.seconds, [...slice.services]]).toEqual([
    9,
    1,
    [
      ['api', 5],
      ['job', 4],
    ],
  ])
})

it('counts stacks that end early, and takes their marker for no function', () => {
  const slice = sliceOf(of('api', '[truncated] main\nwork        work\n3           1'), 1)
  expect(drawSlice(slice)).toEqual(['0 1 main api', '4 4 work api'])
  expect(slice.endEarly).toBe(3)
})

it('has a row for stacks of which nothing else is known', () => {
  expect(drawSlice(sliceOf(of('api', '[truncated]\n2'), 1))).toEqual(['2 2 [truncated] api'])
})

it('keeps functions of one name in two binaries apart', () => {
  expect(drawSlice(sliceOf(of('api', 'libc!read musl!read\n1         2'), 1))).toEqual([
    '1 1 read api',
    '2 2 read api',
  ])
})

it('is empty when nothing was sampled', () => {
  expect(sliceOf(undefined, 0.5)).toMatchObject({
    seconds: 0.5,
    samples: 0,
    endEarly: 0,
    services: new Map(),
  })
  expect(drawSlice(sliceOf(undefined, 1))).toEqual([])
})
