import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbSelector } from '../testing/arbitrary.ts'
import { checkSelector } from './check-selector.ts'
import { parseSelector, printSelector } from './selector.ts'

const parsed = (text: string) => {
  const result = parseSelector(text)
  if (!result.ok) throw new Error(result.error.message)
  return { type: result.value.type, matchers: result.value.matchers }
}
const matcher = (name: string, operator: '=' | '!=' | '=~' | '!~', value: string) => ({
  name,
  operator,
  value,
})

describe('parseSelector', () => {
  it('reads type, operators and all three kinds of quotes', () => {
    expect(parsed('cpu{a="1",b!=\'2\', c=~`3\\d`,d!~"4",}')).toEqual({
      type: 'cpu',
      matchers: [
        matcher('a', '=', '1'),
        matcher('b', '!=', '2'),
        matcher('c', '=~', '3\\d'),
        matcher('d', '!~', '4'),
      ],
    })
  })

  it('reads type ids of five parts, blanks, and selectors of nothing', () => {
    const id = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds'
    expect(parsed(` ${id} { a = "1" } `)).toEqual({ type: id, matchers: [matcher('a', '=', '1')] })
    expect(parsed('memory:alloc_space:bytes::').type).toBe('memory:alloc_space:bytes::')
    for (const text of ['', '  ', '{}', ' { } '])
      expect(parsed(text)).toEqual({ type: undefined, matchers: [] })
    expect(parsed('cpu')).toEqual({ type: 'cpu', matchers: [] })
  })

  it('takes dots in bare names and anything in quoted ones', () => {
    expect(parsed('{service.name="a","größe, \\"x\\""="b"}').matchers).toEqual([
      matcher('service.name', '=', 'a'),
      matcher('größe, "x"', '=', 'b'),
    ])
  })

  it('undoes escapes', () => {
    expect(parsed(String.raw`{a="\\ \" \n \t \x41 \u00e9 \U0001F525",b='\''}`).matchers).toEqual([
      matcher('a', '=', '\\ " \n \t A é 🔥'),
      matcher('b', '=', "'"),
    ])
  })

  // One line per fault: the text, a caret where it is blamed, the sentence.
  const faults: readonly (readonly [text: string, position: number, message: string])[] = [
    ['{service_name="api}', 14, 'unclosed string at 14: end it with "'],
    ['{a="1"', 0, 'unclosed { at 0: end it with }'],
    ['cpu{', 3, 'unclosed { at 3: end it with }'],
    ['{a}', 2, 'expected = != =~ or !~ at 2, got "}": a matcher is name="value"'],
    ['{a', 2, 'expected = != =~ or !~ at 2, got the end: a matcher is name="value"'],
    ['{a!"1"}', 2, 'expected = != =~ or !~ at 2, got "!": a matcher is name="value"'],
    ['{a=api}', 3, 'expected a quoted value at 3, got "api": write name="value"'],
    ['{a=="1"}', 3, 'expected a quoted value at 3, got "=": write name="value"'],
    ['{="1"}', 1, 'expected a label name at 1, got "="'],
    ['{1a="1"}', 1, 'expected a label name at 1, got "1"'],
    ['{🔥="1"}', 1, 'expected a label name at 1, got "🔥"'],
    ['{,}', 1, 'expected a label name at 1, got ","'],
    ['{a="1",,}', 7, 'expected a label name at 7, got ","'],
    ['{""="1"}', 1, 'empty label name at 1: give it a name'],
    ['{a="1" b="2"}', 7, 'expected , or } at 7, got "b"'],
    ['{a="1"} x', 8, 'expected the end after } at 8, got "x"'],
    ['a b', 2, 'expected { at 2, got "b"'],
    ['a="1"', 1, 'expected { at 1, got "=": put the matchers in braces, {service_name="api"}'],
    [
      String.raw`{a=~"\d"}`,
      5,
      String.raw`unknown escape \d at 5: write a backslash twice, or the whole value in ${'`backquotes`'}`,
    ],
    [
      String.raw`{a="x\xff"}`,
      5,
      String.raw`unknown escape \x at 5: write a backslash twice, or the whole value in ${'`backquotes`'}`,
    ],
  ]
  for (const [text, position, message] of faults)
    it(`refuses ${text}, at ${position}`, () => {
      expect(parseSelector(text)).toEqual({ ok: false, error: { message, position } })
    })

  it('refuses half an escape, surrogates, and code points beyond Unicode', () => {
    for (const text of [
      String.raw`{a="\u12"}`,
      String.raw`{a="\ud800"}`,
      String.raw`{a="\U00110000"}`,
      String.raw`{a="\1"}`,
    ])
      expect(parseSelector(text)).toMatchObject({ ok: false, error: { position: 4 } })
  })

  it('bounds length, matchers and regexes, each naming its limit', () => {
    expect(parseSelector(`{a="${'é'.repeat(4096)}"}`)).toEqual({
      ok: false,
      error: { message: 'the selector has 8198 bytes; at most 8192 are allowed: shorten it' },
    })
    const matchers = (count: number) => `{${Array.from({ length: count }, (_, i) => `a${i}="1"`).join()}}`
    expect(parseSelector(matchers(64)).ok).toBe(true)
    expect(parseSelector(matchers(65))).toMatchObject({
      ok: false,
      error: {
        message: expect.stringMatching(/^more than 64 matchers at \d+: put alternatives into one =~$/),
      },
    })
    expect(parseSelector(`{a="${'x'.repeat(513)}"}`).ok).toBe(true)
    expect(parseSelector(`{a=~"${'x'.repeat(513)}"}`)).toEqual({
      ok: false,
      error: {
        position: 4,
        message: 'the regex at 4 has 513 bytes; at most 512 are allowed: make it shorter',
      },
    })
  })

  it('never throws, whatever the text', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '"',
      "'",
      '`',
      '\\',
      ',',
      '=',
      '~',
      '!',
      ' ',
      'a',
      'cpu:',
      'é',
      'x1',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join('')),
        ),
        (text) => {
          const result = parseSelector(text)
          const { position = 0 } = result.ok ? {} : result.error
          expect(position).toBeLessThanOrEqual(text.length)
        },
      ),
    )
  })

  it('reads back what printSelector writes', () => {
    fc.assert(
      fc.property(arbSelector, (selector) => {
        expect(parsed(printSelector(selector))).toEqual(selector)
      }),
    )
  })
})

describe('printSelector', () => {
  it('leaves bare names bare and escapes values', () => {
    const matchers = [matcher('service.name', '=', 'a"b\\c\n'), matcher('a-b', '!~', '\x00')]
    expect(printSelector({ type: 'cpu', matchers })).toBe('cpu{service.name="a\\"b\\\\c\\n","a-b"!~"\\x00"}')
    expect(printSelector({ matchers: [] })).toBe('{}')
  })

  it('asserts that a type can stand in a selector', () => {
    expect(() => printSelector({ type: 'a b', matchers: [] })).toThrow(
      'a profile type cannot be "a b" in a selector',
    )
  })
})

describe('checkSelector', () => {
  it('refuses a regex that does not compile, at its value', () => {
    expect(checkSelector('{a="(",b=~"("}')).toEqual({
      ok: false,
      error: { message: 'the regex is not RE2 syntax: missing closing ): `(`, at 10', position: 10 },
    })
  })

  it('lets through what parses and compiles', () => {
    expect(checkSelector('cpu{a=~"x.+"}')).toEqual(parseSelector('cpu{a=~"x.+"}'))
    expect(checkSelector('{a=')).toEqual(parseSelector('{a='))
  })
})
