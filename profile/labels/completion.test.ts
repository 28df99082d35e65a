import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { completionAt, completionText } from './completion.ts'
import { parseSelector } from './selector.ts'

/** What the cursor mark "|" asks for: kind, prefix, and the text with the part to replace in «». */
function at(marked: string) {
  const cursor = marked.indexOf('|')
  const text = marked.slice(0, cursor) + marked.slice(cursor + 1)
  const { kind, prefix, from, to, label, others } = completionAt(text, cursor)
  const shown = `${text.slice(0, from)}«${text.slice(from, to)}»${text.slice(to)}`
  return {
    kind,
    prefix,
    shown,
    ...(label === undefined ? {} : { label }),
    ...(others.length === 0
      ? {}
      : { others: others.map(({ name, operator, value }) => name + operator + value).join(' ') }),
  }
}
/** The text after choosing `candidate` at the mark. */
function choose(marked: string, candidate: string) {
  const cursor = marked.indexOf('|')
  const text = marked.slice(0, cursor) + marked.slice(cursor + 1)
  const completion = completionAt(text, cursor)
  return text.slice(0, completion.from) + completionText(completion, candidate) + text.slice(completion.to)
}

describe('completionAt', () => {
  it('asks for a name after a brace or a comma', () => {
    expect(at('{|')).toEqual({ kind: 'name', prefix: '', shown: '{«»' })
    expect(at('{ |}')).toEqual({ kind: 'name', prefix: '', shown: '{ «»}' })
    expect(at('{se|rv}')).toEqual({ kind: 'name', prefix: 'se', shown: '{«serv»}' })
    expect(at('cpu{a="1", h|}')).toEqual({
      kind: 'name',
      prefix: 'h',
      shown: 'cpu{a="1", «h»}',
      others: 'a=1',
    })
  })

  it('keeps to the inside of a quoted name', () => {
    expect(at('{"se|rv"="x"}')).toEqual({ kind: 'name', prefix: 'se', shown: '{"«serv»"="x"}' })
  })

  it('asks for an operator after a name', () => {
    expect(at('{host |}')).toEqual({ kind: 'operator', prefix: '', shown: '{host «»}' })
    expect(at('{host !|}')).toEqual({ kind: 'operator', prefix: '!', shown: '{host «!»}' })
  })

  it('asks for a value inside and before its quotes, under all other matchers', () => {
    expect(at('{host="we|"}')).toEqual({ kind: 'value', prefix: 'we', shown: '{host="«we»"}', label: 'host' })
    expect(at('{host="we|b-1",a="1"}')).toEqual({
      kind: 'value',
      prefix: 'we',
      shown: '{host="«web-1»",a="1"}',
      label: 'host',
      others: 'a=1',
    })
    expect(at('{a="1",host=~"|')).toEqual({
      kind: 'value',
      prefix: '',
      shown: '{a="1",host=~"«»',
      label: 'host',
      others: 'a=1',
    })
    expect(at('{host=|}')).toEqual({ kind: 'value', prefix: '', shown: '{host=«»}', label: 'host' })
    expect(at('{host=we|b}')).toEqual({ kind: 'value', prefix: 'we', shown: '{host=«web»}', label: 'host' })
  })

  it('reads the prefix without its escapes', () => {
    expect(at('{a="x\\"y|"}').prefix).toBe('x"y')
  })

  it('steps over broken matchers and keeps the whole ones', () => {
    expect(at('{a=,b="2",c!,d=~"4",e="|"}')).toMatchObject({ label: 'e', others: 'b=2 d=~4' })
  })

  it('has nothing to offer outside of the braces and between things', () => {
    for (const text of ['|', 'cp|u', 'cpu|{}', '{a="1"|}', '{a="1"}|', '{a="1"} |'])
      expect(at(text).kind).toBe('none')
  })

  it('never throws, and names a part of the text that ends at or behind the cursor', () => {
    const pieces = fc.constantFrom('{', '}', '"', "'", '`', '\\', ',', '=', '~', '!', ' ', 'a', 'b.c', 'é')
    const texts = fc.array(pieces, { maxLength: 20 }).map((all) => all.join(''))
    fc.assert(
      fc.property(texts, fc.nat(20), (text, place) => {
        const cursor = Math.min(place, text.length)
        const { from, to } = completionAt(text, cursor)
        expect(from).toBeGreaterThanOrEqual(0)
        expect(from).toBeLessThanOrEqual(cursor)
        expect(to).toBeGreaterThanOrEqual(cursor)
        expect(to).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('completionText', () => {
  it('adds the quotes that are missing, and escapes', () => {
    expect(choose('{host=|}', 'a"b')).toBe('{host="a\\"b"}')
    expect(choose('{host="we|}', 'web-1')).toBe('{host="web-1"}')
    expect(choose('{host="we|"}', 'web-1')).toBe('{host="web-1"}')
    expect(choose("{host='|'}", "it's")).toBe("{host='it\\'s'}")
    expect(choose('{ho|}', 'host-name')).toBe('{"host-name"}')
    expect(choose('{ho|}', 'host.name')).toBe('{host.name}')
    expect(choose('{host !|}', '!=')).toBe('{host !=}')
  })

  it('makes a selector of any value', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.constantFrom('{a=|}', '{a="|"}', "{a='|'}", '{a="|}'),
        (value, marked) => {
          expect(parseSelector(choose(marked, value))).toMatchObject({
            ok: true,
            value: { matchers: [{ value }] },
          })
        },
      ),
    )
  })
})
