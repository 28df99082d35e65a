import { describe, expect, it } from 'vitest'
import {
  DiffRequest,
  LabelsRequest,
  ProfileTypesRequest,
  SeriesRequest,
  TopRequest,
  TreeRequest,
} from './query-api.ts'

const selection = { type: 'cpu', query: '{}', from: 'now-1h', to: 'now' }

describe('a question', () => {
  it('may leave out everything', () => {
    expect(TreeRequest.parse({})).toEqual({ ...selection, maxNodes: 2_000, path: [], groupBy: [] })
    expect(SeriesRequest.parse({})).toEqual({ ...selection, group: [], limit: 20 })
    expect(TopRequest.parse({})).toEqual({ ...selection, sort: 'self', limit: 100 })
    expect(LabelsRequest.parse({})).toEqual({ ...selection, prefix: '', limit: 1_000 })
    expect(ProfileTypesRequest.parse({})).toEqual({ from: 'now-1h', to: 'now' })
    expect(DiffRequest.parse({ baseline: {}, comparison: {} })).toEqual({
      baseline: selection,
      comparison: selection,
      maxNodes: 2_000,
      path: [],
      view: 'flame',
    })
  })

  it('may write numbers as texts, as query parameters do', () => {
    expect(TreeRequest.parse({ maxNodes: '20000', from: '1795514400' })).toMatchObject({
      maxNodes: 20_000,
      from: '1795514400',
    })
    expect(SeriesRequest.parse({ step: '30', limit: '5' })).toMatchObject({ step: 30, limit: 5 })
  })

  it.each<
    [string, typeof TreeRequest | typeof SeriesRequest | typeof DiffRequest | typeof TopRequest, unknown]
  >([
    ['an unknown field', TreeRequest, { maxNode: 5 }],
    ['no node', TreeRequest, { maxNodes: 0 }],
    ['half a node', TreeRequest, { maxNodes: 1.5 }],
    ['too many nodes', TreeRequest, { maxNodes: 1_048_577 }],
    ['a number that is none', TreeRequest, { maxNodes: 'many' }],
    ['a path that is too deep', TreeRequest, { path: Array(1001).fill('f') }],
    ['a selector that is too long', TreeRequest, { query: 'x'.repeat(8193) }],
    ['a selector that is no text', TreeRequest, { query: { $ne: 1 } }],
    ['a time that is no time', TreeRequest, { from: null }],
    ['too many groups', TreeRequest, { groupBy: ['a', 'b', 'c', 'd', 'e'] }],
    ['a step below a second', SeriesRequest, { step: 0.5 }],
    ['an unknown order', TopRequest, { sort: 'name' }],
    ['a diff without a baseline', DiffRequest, { comparison: {} }],
    ['an unknown view', DiffRequest, { baseline: {}, comparison: {}, view: 'icicle' }],
    ['nothing at all', TreeRequest, undefined],
    ['a list', TreeRequest, []],
  ])('with %s is refused', (_, schema, request) => {
    expect(schema.safeParse(request).success).toBe(false)
  })
})
