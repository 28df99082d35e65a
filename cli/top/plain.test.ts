import { expect, it } from 'vitest'
import { printView } from './plain.ts'
import { drawView } from './testing.ts'

const view = drawView('120 120 spin burn burn\n60 180 read api libc\n20 20 e\u001b[2Jvil api api')
const options = { words: 'every process', sort: 'self', limit: 2, nowMs: 1_764_000_000_000 } as const

it('prints when, what, how much, and the first rows', () => {
  expect(printView(view, options)).toBe(
    [
      '2025-11-24T16:00:00.000Z every process: 2.00 of 2 cores',
      '200 samples',
      'cores    self   total  function  binary  service  its cores',
      ' 1.20  60.0 %  60.0 %  spin      burn    burn          1.20',
      ' 0.60  30.0 %  90.0 %  read      libc    api           0.80',
      '\n',
    ].join('\n'),
  )
})
it('has no columns of services where none are known, and no control characters', () => {
  const text = printView({ ...view, services: undefined }, { ...options, limit: 9 })
  expect(text).toContain('cores    self   total  function  binary\n')
  expect(text).toContain('e?[2Jvil')
})
it('prints titles alone when nothing came', () => {
  expect(printView(drawView(''), options)).toContain('0 samples\ncores  self  total  function')
})
