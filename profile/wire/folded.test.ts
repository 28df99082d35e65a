import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProfileBuilder } from '../model/builder.ts'
import { asId, NONE } from '../model/ids.ts'
import { assertProfile } from '../model/profile.ts'
import { CPU_SAMPLES } from '../model/profile-type.ts'
import { parseFolded, printFolded } from './folded.ts'
import { LIMITS } from './otlp-testing.ts'

const head = { type: CPU_SAMPLES, period: 1, timeMs: 1_795_514_400_000, durationMs: 10_000 }
const parse = (text: string, limits = LIMITS) => parseFolded(text, { head, labels: [], limits })
const again = (text: string) => {
  const parsed = parse(text)
  if (!parsed.ok) return parsed.error.message
  assertProfile(parsed.value)
  return printFolded(parsed.value)
}

describe('folded lines', () => {
  it('reads what flame graph tools write', () => {
    expect(again('main;read 2\nmain;work 1\r\n\n  \nmain;work 3')).toBe('main;read 2\nmain;work 4\n')
  })

  it('keeps blanks, backslashes and signs of names', () => {
    const text = 'std::map<int, int>;App\\Shop;<anonymous> (a.js:1) 2\n'
    expect(again(text)).toBe(text)
  })

  it('writes separators inside names as escapes', () => {
    const builder = new ProfileBuilder()
    const row = builder.function({ name: 'a;b\nc\\x3bd' })
    const location = builder.location({
      mapping: NONE,
      addressHigh: 0,
      addressLow: 0,
      kind: '',
      lines: [{ function: row, line: 0 }],
    })
    builder.sample({
      stack: builder.stack(asId(0), location),
      labelSet: builder.labelSet([]),
      value: 1,
      timeMs: 0,
    })
    const text = printFolded(builder.build(head))
    expect(text).toBe('a\\x3bb\\x0ac\\x5cx3bd 1\n')
    const parsed = parse(text)
    expect(parsed.ok && parsed.value.strings).toContain('a;b\nc\\x3bd')
  })

  it('prints inlined functions outermost first, and addresses where there is no name', () => {
    //  main > app+0x123456789 > caller (inlined: callee)
    const builder = new ProfileBuilder()
    const mapping = builder.mapping({ file: 'app' })
    const frame = (names: string[], low: number, high = 0) =>
      builder.location({
        mapping,
        addressHigh: high,
        addressLow: low,
        kind: 'native',
        lines: names.map((name) => ({ function: builder.function({ name }), line: 1 })),
      })
    const main = builder.stack(asId(0), frame(['main'], 1))
    const hidden = builder.stack(main, frame([], 0x23456789, 1))
    const leaf = builder.stack(hidden, frame(['callee', 'caller'], 3))
    const labelSet = builder.labelSet([])
    builder.sample({ stack: leaf, labelSet, value: 2, timeMs: 0 })
    builder.sample({ stack: asId(0), labelSet, value: 1, timeMs: 0 })
    expect(printFolded(builder.build(head))).toBe('main;app+0x123456789;caller;callee 2\n[no stack] 1\n')
  })

  it('reads what it prints, whatever the names', () => {
    const name = fc.oneof(
      fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }),
      fc.stringMatching(/^[;\\x35bcad0\n\r ]{1,9}$/),
    )
    const stacks = fc.array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 5 }), fc.nat()), {
      maxLength: 20,
    })
    fc.assert(
      fc.property(stacks, (samples) => {
        const builder = new ProfileBuilder()
        const labelSet = builder.labelSet([])
        for (const [names, value] of samples) {
          let stack = asId<ReturnType<ProfileBuilder['stack']>>(0)
          for (const one of names) {
            const lines = [{ function: builder.function({ name: one }), line: 0 }]
            const spec = { mapping: NONE, addressHigh: 0, addressLow: 0, kind: '', lines }
            stack = builder.stack(stack, builder.location(spec))
          }
          builder.sample({ stack, labelSet, value, timeMs: head.timeMs })
        }
        const text = printFolded(builder.build(head))
        expect(again(text)).toBe(text)
        const parsed = parse(text)
        const functions = parsed.ok ? parsed.value.functions.name : []
        const printed = Array.from(functions, (id) => (parsed.ok ? parsed.value.strings[id] : ''))
        expect(new Set(printed)).toEqual(new Set(samples.flatMap(([names]) => names)))
      }),
    )
  })
})

describe('what it says to lines that are none', () => {
  it.each([
    ['a 1\nmain;work', 'line 2: "main;work" must end in a space and a number'],
    ['main;work -1', 'line 1: "main;work -1" must end'],
    ['main NaN', 'line 1: "main NaN" must end'],
    ['main 1e3', 'line 1: "main 1e3" must end'],
    ['main 9007199254740993', 'line 1: "main 9007199254740993" must end'],
    [' 10', 'line 1: " 10" must end'],
    ['10', 'line 1: "10" must end'],
    ['a;b;c;d 1', 'line 1: the stack has more than 3 frames (limits.stackDepth)'],
    ['abcdefghijk 1', 'line 1: the name "abcdefghijk…" is longer than 10 (limits.stringBytes)'],
    ['a 1\nb 1\nc 1', 'line 3: more than 2 stacks (limits.samplesMax); split the file'],
  ])('%j', (text, sentence) => {
    const parsed = parse(text, { ...LIMITS, stackDepth: 3, stringBytes: 10, samplesMax: 2 })
    expect(parsed.ok ? 'accepted' : parsed.error.message).toContain(sentence)
  })

  it('says where the line begins', () => {
    expect(parse('a 1\nb')).toMatchObject({ ok: false, error: { position: 4 } })
  })

  it('reads nothing from nothing', () => {
    expect(again('')).toBe('')
  })
})
