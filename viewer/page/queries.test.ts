import { describe, expect, it } from 'vitest'
import { profileQuery, seriesQuery, withQuery } from './queries.ts'
import { DEFAULT_STATE } from './url-state.ts'

const diff = {
  ...DEFAULT_STATE,
  view: 'diff',
  baselineFrom: 1,
  baselineTo: 2,
  baselineQuery: '{v="1"}',
} as const

describe('profileQuery', () => {
  it('asks for the view that is open', () => {
    expect(profileQuery(DEFAULT_STATE)).toMatchObject({
      queryType: 'profile',
      profileTypeId: 'cpu',
      labelSelector: '{}',
    })
    expect(profileQuery({ ...DEFAULT_STATE, view: 'iceberg' })).toMatchObject({
      queryType: 'profile',
      invert: true,
    })
    expect(profileQuery(diff)).toMatchObject({
      queryType: 'diff',
      baseline: { from: 1, to: 2, labelSelector: '{v="1"}' },
    })
  })

  it('leaves the baseline to the diff', () => {
    expect(profileQuery({ ...diff, view: 'flame' }).baseline).toBeUndefined()
  })
})

describe('seriesQuery', () => {
  it('shows services, or what the query groups by', () => {
    expect(seriesQuery(diff)).toMatchObject({ queryType: 'metrics', groupBy: ['service_name'] })
    expect(seriesQuery({ ...DEFAULT_STATE, groupBy: ['host'] }).groupBy).toEqual(['host'])
    expect(seriesQuery(diff)).not.toHaveProperty('baseline')
  })
})

describe('withQuery', () => {
  it('gives the query that it was given', () => {
    for (const state of [DEFAULT_STATE, diff]) {
      const query = { ...profileQuery(state), labelSelector: '{host="a"}' }
      expect(profileQuery(withQuery(state, query))).toEqual(query)
    }
  })

  it('keeps the baseline while another view is open', () => {
    const flame = { ...diff, view: 'flame' } as const
    expect(withQuery(flame, profileQuery(flame))).toEqual(flame)
  })
})
