import { expect, it } from 'vitest'
import { nearestWord } from './nearest.ts'

const FLAGS = ['--listen', '--frequency', '--server']

it.each([
  ['--frequncy', '--frequency'], // a letter less
  ['--freqeuncy', '--frequency'], // two swapped
  ['--listenn', '--listen'], // a letter more
  ['--sarver', '--server'], // another letter
  ['--elephant', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('guesses what %.20s was meant to be', (typed, meant) => {
  expect(nearestWord(typed, FLAGS)).toBe(meant)
})

it('prefers the fewest mistakes', () => {
  expect(nearestWord('--limit', ['--limits', '--limit', '--emit'])).toBe('--limit')
})
