import { describe, expect, it } from 'vitest'
import type { Key } from './keys.ts'
import { press, startState, type TopState } from './state.ts'

const page = { rows: 100, height: 10 }
const after = (keys: readonly Key[], from: TopState = startState('self')) =>
  keys.reduce((state, key) => press(state, key, page), from)

describe('keys', () => {
  it.each([
    ['s', { sort: 'self' }],
    ['t', { sort: 'total' }],
    ['c', { sort: 'cores' }],
    [' ', { isPaused: true }],
    ['?', { isHelp: true }],
    ['q', { isOver: true }],
    ['interrupt', { isOver: true }],
  ] as const)('%s', (key, change) => {
    expect(after([key])).toEqual({ ...startState('self'), ...change })
  })
  it('a second space goes on', () => {
    expect(after([' ', ' ']).isPaused).toBe(false)
  })
  it('any key leaves the help, and does nothing else; q still quits', () => {
    expect(after(['?', 't'])).toEqual(startState('self'))
    expect(after(['?', 'q']).isOver).toBe(true)
  })
  it('what means nothing changes nothing', () => {
    const state = startState('total')
    for (const key of ['x', 'unknown', 'enter', 'backspace', 'redraw'])
      expect(press(state, key, page)).toBe(state)
  })
})

describe('a filter', () => {
  it('takes letters that are keys elsewhere', () => {
    expect(after(['/', 'q', 's', ' ', '?', '/'])).toMatchObject({
      filter: 'qs ?/',
      isTyping: true,
      isOver: false,
    })
  })
  it('stays after Enter and goes with Esc', () => {
    expect(after(['/', 'a', 'enter'])).toMatchObject({ filter: 'a', isTyping: false })
    expect(after(['/', 'a', 'enter', 'escape'])).toMatchObject({ filter: '' })
    expect(after(['/', 'a', 'escape'])).toMatchObject({ filter: '', isTyping: false })
  })
  it('loses whole letters, and all of them at once', () => {
    expect(after(['/', 'a', '🔥', 'backspace']).filter).toBe('a')
    expect(after(['/', 'backspace']).filter).toBe('')
    expect(after(['/', 'a', 'b', 'erase'])).toMatchObject({ filter: '', isTyping: true })
  })
  it('ends with Ctrl-C, and has an end', () => {
    expect(after(['/', 'interrupt']).isOver).toBe(true)
    expect(after(['/', ...Array<Key>(500).fill('x')]).filter).toHaveLength(200)
    expect(after(['/', 'unknown', 'redraw']).filter).toBe('')
  })
  it('begins at the top', () => {
    expect(after(['page-down', '/', 'a']).scroll).toBe(0)
  })
})

describe('scrolling', () => {
  it.each([
    [['up'], 0],
    [['down', 'down'], 2],
    [['page-down'], 9],
    [['page-down', 'page-up', 'page-up'], 0],
    [['end'], 90],
    [['end', 'down'], 90],
    [['end', 'home'], 0],
    [['down', 't'], 0],
  ])('%j begins at row %i', (keys, scroll) => {
    expect(after(keys).scroll).toBe(scroll)
  })
  it('comes back at once when rows have gone', () => {
    const state = after(['end'])
    expect(press(state, 'up', { rows: 12, height: 10 }).scroll).toBe(1)
    expect(press(state, 'down', { rows: 3, height: 10 }).scroll).toBe(0)
  })
})
