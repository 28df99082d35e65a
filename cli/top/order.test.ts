import { describe, expect, it } from 'vitest'
import { orderRows, type Sort } from './order.ts'
import { drawView } from './testing.ts'

const view = drawView(`
  1 90 main   api  app
  6  7 parse  api  app
  7 80 main   job  job
  2  2 read   job  libc
  0 90 handle job  job
`)
const shown = (sort: Sort, filter = '') =>
  orderRows(view, { sort, filter }).map((row) => `${view.rows.name[row]} ${view.rows.service[row]}`)

describe('rows stand', () => {
  it('by own time', () => {
    expect(shown('self')).toEqual(['main job', 'parse api', 'read job', 'main api', 'handle job'])
  })
  it('by time with callees, equal ones by own time', () => {
    expect(shown('total')).toEqual(['main api', 'handle job', 'main job', 'parse api', 'read job'])
  })
  it('by the cores of their service', () => {
    expect(shown('cores')).toEqual(['main job', 'read job', 'handle job', 'parse api', 'main api'])
  })
  it('by name if nothing else tells them apart', () => {
    const equal = drawView('1 1 b x\n1 1 a y\n1 1 a x')
    const rows = orderRows(equal, { sort: 'self', filter: '' })
    expect(rows).toEqual([2, 1, 0])
  })
  it('by own time where services are not known', () => {
    const rows = orderRows({ ...view, services: undefined }, { sort: 'cores', filter: 'api' })
    expect(rows).toEqual([1, 0])
  })
})

describe('a filter', () => {
  it.each([
    ['PARSE', ['parse api']],
    ['libc', ['read job']],
    ['api', ['parse api', 'main api']],
    ['.*', []],
    ['nowhere', []],
  ])('%s keeps what contains it, as letters and not as a pattern', (filter, expected) => {
    expect(shown('self', filter)).toEqual(expected)
  })
})
