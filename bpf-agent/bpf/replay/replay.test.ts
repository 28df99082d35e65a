// The walk without a kernel: every rule drawn by hand, and look-ups against a naive twin.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { walkLines } from '../../unwind/walk-lines.ts'
import { compileReplay, compiler, namesOf, type Walked } from './replay.ts'

const work = mkdtempSync(path.join(tmpdir(), 'flametrail-replay-'))
const hex = (number: number | bigint) => number.toString(16)
const KINDS = namesOf('rule_kind', 'RULE_')

/** Rules by number, with names of what they are. */
const rule = (kind: string, cfa = 0, { fp = 0, fpOff = 0, aux = 0 } = {}) => {
  if (!KINDS.includes(kind)) throw new Error(`no rule ${kind}`)
  return `rule ${KINDS.indexOf(kind)} ${fp} ${cfa} ${fpOff} ${aux}`
}
const GAP = rule('gap')
const [AT_CFA, AT_FP] = [1, 2]

/** One file at 0x400000, mapped at 0x10400000: rules of its functions at 0x400000, 0x400100, …, the last is ROOT.
 *  `stack` is words from `sp` on. Numbers of functions stand for their addresses plus 0x10. */
const BIAS = 0x1000_0000
const codeOf = (i: number, offset = 0x10) => BIAS + 0x40_0000 + 0x100 * i + offset
const SP = 0x7000
function drawn(rules: readonly string[], extra: readonly string[]): string[] {
  return [
    GAP,
    ...rules,
    rule('root'),
    ...[...rules, 'root'].map((_, i) => `row ${hex(((0x100 * i) << 16) | (i + 1))}`),
    `row ${hex((0x100 * (rules.length + 1)) << 16)}`,
    `page 0 ${hex(rules.length + 2)}`,
    `vma ${hex(BIAS + 0x40_0000)} 10 40 ${hex(BIAS)} 0 1`,
    ...extra,
  ]
}
const registers = (pc: number, { sp = SP, fp = 0, lr = 0 } = {}) =>
  `registers ${hex(pc)} ${hex(sp)} ${hex(fp)} ${hex(lr)}`
/** Words from an address on; a hole where a word is undefined. */
const words = (from: number, values: readonly (number | bigint | undefined)[]) =>
  values.flatMap((value, i) => (value === undefined ? [] : [`word ${hex(from + 8 * i)} ${hex(value)}`]))
/** Frames as numbers of their functions, where they are ours: the leaf exact, callers one byte before. */
const named = ({ frames, stop }: Walked) =>
  [...frames.map((frame) => Math.floor((Number(frame) - BIAS - 0x40_0000) / 0x100)), stop].join(' ')

describe.skipIf(compiler === undefined)(`a walk (${compiler ?? 'needs gcc or clang'})`, () => {
  let walk: (lines: readonly string[]) => Walked
  let walkArm: (lines: readonly string[]) => Walked
  beforeAll(() => {
    walk = compileReplay('x86', work, walkLines)
    walkArm = compileReplay('arm64', work, walkLines)
  })
  afterAll(() => {
    rmSync(work, { recursive: true, force: true })
  })

  describe('by a rule', () => {
    const one = (text: string, leaf: { pc?: number; sp?: number; fp?: number }, memory: readonly string[]) =>
      walk(drawn([text], [registers(leaf.pc ?? codeOf(0), leaf), ...memory]))

    it('finds the CFA from the stack pointer', () => {
      const walked = one(rule('sp', 24), {}, words(SP, [1, 2, codeOf(1)]))
      expect(walked).toEqual({
        frames: [BigInt(codeOf(0)), BigInt(codeOf(1) - 1)],
        stop: 'root',
        steps: { row: 1 },
      })
    })

    it('finds the CFA from the frame pointer, wherever the stack pointer is', () => {
      const rbp = rule('fp', 16, { fp: AT_CFA, fpOff: -16 })
      expect(named(one(rbp, { fp: SP + 800 }, words(SP + 800, [0, codeOf(1)])))).toBe('0 1 root')
    })

    it('refuses a frame pointer below the stack', () => {
      const rbp = rule('fp', 16, { fp: AT_CFA, fpOff: -16 })
      expect(named(one(rbp, { fp: SP - 800 }, words(SP - 800, [0, codeOf(1)])))).toBe('0 bad_fp')
    })

    it('gives the caller its own frame pointer', () => {
      const outer = rule('fp', 16, { fp: AT_CFA, fpOff: -16 })
      const inner = rule('sp', 40, { fp: AT_CFA, fpOff: -32 }) // fp kept far from the return address
      const stack = [1, SP + 64, 3, 4, codeOf(1), 6, 7, 8, 0, codeOf(2)]
      expect(named(walk(drawn([inner, outer], [registers(codeOf(0)), ...words(SP, stack)])))).toBe(
        '0 1 2 root',
      )
    })

    it('knows whether a lazy stub has pushed', () => {
      const stub = rule('plt', 0, { aux: 11 })
      const before = one(stub, { pc: codeOf(0, 10) }, words(SP, [codeOf(1), 1]))
      const after = one(stub, { pc: codeOf(0, 11) }, words(SP, [7, codeOf(1)]))
      expect([named(before), named(after)]).toEqual(['0 1 root', '0 1 root'])
    })

    it('follows a realigned stack', () => {
      const fp = SP + 64
      const realigned = rule('deref', 0, { fp: AT_FP, fpOff: 0, aux: -8 })
      const outer = rule('fp', 16, { fp: AT_CFA, fpOff: -16 })
      const memory = [
        ...words(fp - 8, [SP + 0x208, SP + 0x300]),
        ...words(SP + 0x200, [codeOf(1)]),
        ...words(SP + 0x300, [0, codeOf(2)]),
      ]
      expect(named(walk(drawn([realigned, outer], [registers(codeOf(0), { fp }), ...memory])))).toBe(
        '0 1 2 root',
      )
    })

    it('follows a stack pointer that was kept on the stack, and wide frames', () => {
      const kept = rule('deref_sp', 8, { aux: 16 })
      expect(named(one(kept, {}, [...words(SP, [0, 0, SP + 64]), ...words(SP + 64, [codeOf(1)])]))).toBe(
        '0 1 root',
      )
      const wide = rule('sp_far', -0x7ff8, { aux: 4 })
      expect(named(one(wide, {}, words(SP + 4 * 65_536 - 0x7ff8 - 8, [codeOf(1)])))).toBe('0 1 root')
    })

    it('ends where the memory cannot be read', () => {
      expect(named(one(rule('sp', 24), {}, []))).toBe('0 read_fault')
      expect(named(one(rule('deref', 0, { aux: -8 }), { fp: SP + 64 }, []))).toBe('0 read_fault')
      expect(named(one(rule('sp', 24, { fp: AT_CFA, fpOff: -24 }), {}, words(SP + 16, [codeOf(1)])))).toBe(
        '0 read_fault',
      )
    })

    it('ends at a return address of zero', () => {
      expect(named(one(rule('sp', 8), {}, words(SP, [0])))).toBe('0 pc_zero')
    })
  })

  describe('by a register', () => {
    const RBX = 5 // places in struct pt_regs
    const RAX = 10
    const lost = -1024
    const leaf = (...pairs: readonly (readonly [place: number, value: number])[]) =>
      pairs.map(([place, value]) => `register ${hex(place)} ${hex(value)}`)
    const by = (place: number, cfa: number, bxWords = 0) =>
      rule('register', cfa, { aux: place | (bxWords << 5) })
    /** 0 hangs on a register; 1 is its caller. */
    const hangs = (rules: readonly string[], extra: readonly string[]) =>
      walk(drawn(rules, [registers(codeOf(0)), ...extra]))

    it('takes any register of the leaf', () => {
      for (let place = 0; place < 21; place++)
        expect(
          named(hangs([by(place, 16)], [...leaf([place, SP + 64]), ...words(SP + 72, [codeOf(1)])])),
        ).toBe('0 1 root')
    })

    it('reads no further than the registers reach', () => {
      for (const place of [21, 31]) expect(hangs([by(place, 16)], words(SP, [1])).steps).toEqual({})
    })

    it('refuses a register that points below the stack', () => {
      expect(named(hangs([by(RAX, 16)], [...leaf([RAX, SP - 64]), ...words(SP - 56, [codeOf(1)])]))).toBe(
        '0 bad_fp',
      )
    })

    it('takes a register of the leaf as an index, too', () => {
      const R9 = 8
      const indexed = rule('indexed', 8, { fp: AT_CFA, fpOff: -24, aux: R9 | (1 << 5) })
      const memory = [...words(SP + 8 + 6 * 8, [SP + 0x200]), ...words(SP + 0x1f0, [0, 0, codeOf(1)])]
      expect(named(hangs([indexed], [...leaf([R9, 6]), ...memory]))).toBe('0 1 root')
      expect(named(hangs([indexed], [...leaf([R9, 5]), ...memory]))).toBe('0 read_fault')
      const above = hangs([rule('sp', 8), indexed], [...leaf([R9, 6]), ...words(SP, [codeOf(1)])])
      expect([named(above), above.steps]).toEqual(['0 1 fp_zero', { row: 1 }])
    })

    // 0 leaf: saves nothing; 1 saves rbx; 2 hangs on rbx
    const resolver = by(RBX, 32, -4)
    const memory = [
      ...words(SP, [codeOf(1), SP + 0x200, 7, codeOf(2)]),
      ...words(SP + 0x200, [1, 2, 3, codeOf(3)]),
    ]

    it('finds rbx where the last function that used it put it', () => {
      const rules = [rule('sp', 8), rule('sp', 24, { aux: -24 }), resolver]
      const walked = hangs(rules, [...leaf([RBX, 0x1234]), ...memory])
      expect(named(walked)).toBe('0 1 2 3 root')
      expect(walked.steps).toEqual({ row: 3 })
    })

    it('finds rbx in the leaf, if nobody has used it since', () => {
      const rules = [rule('sp', 8), rule('sp', 24), resolver]
      expect(named(hangs(rules, [...leaf([RBX, SP + 0x200]), ...memory]))).toBe('0 1 2 3 root')
    })

    it('keeps where rbx is across frames that save it elsewhere, and frames of its own kind', () => {
      // 0 saves rbx, 1 does not; 2 and 3 hang on it, one inside the other
      const rules = [
        rule('sp', 16, { aux: -16 }),
        rule('fp', 16, { fp: AT_CFA, fpOff: -16 }),
        resolver,
        resolver,
      ]
      const stack = [
        ...words(SP, [SP + 0x200, codeOf(1)]),
        ...words(SP + 0x40, [0, codeOf(2)]),
        ...words(SP + 0x200, [SP + 0x300, 2, 3, codeOf(3)]),
        ...words(SP + 0x300, [1, 2, 3, codeOf(4)]),
      ]
      expect(named(walk(drawn(rules, [registers(codeOf(0), { fp: SP + 0x40 }), ...stack])))).toBe(
        '0 1 2 3 4 root',
      )
    })

    it('goes by frame pointer once rbx is lost, and once another register is no longer the leaf’s', () => {
      const cases = [
        [rule('sp', 8, { aux: 1 }), resolver],
        [rule('sp_far', 8), resolver],
        [by(RAX, 8, lost), resolver],
        [rule('sp', 8), by(RAX, 16)],
      ] as const
      for (const rules of cases) {
        const walked = hangs(rules, [...leaf([RAX, SP], [RBX, SP + 0x200]), ...words(SP, [codeOf(1)])])
        expect([named(walked), walked.steps]).toEqual(['0 1 fp_zero', { row: 1 }])
      }
    })

    it('finds rbx of an interrupted function among what the signal saved', () => {
      const rules = [rule('sp', 16, { aux: 1 }), rule('signal'), rule('sp', 8), resolver]
      const stack = [
        ...words(SP, [0, codeOf(1)]),
        ...words(SP + 16 + 120, [0, SP + 0x600, 0, 0, 0, SP + 0x400, codeOf(2, 0)]),
        ...words(SP + 0x400, [codeOf(3)]),
        ...words(SP + 0x600, [1, 2, 3, codeOf(4)]),
      ]
      expect(named(walk(drawn(rules, [registers(codeOf(0)), ...stack])))).toBe('0 1 2 3 4 root')
    })

    it('does not follow rbx through code without rows', () => {
      const walked = walk(
        drawn(
          [rule('gap'), resolver],
          [
            registers(codeOf(0), { fp: SP + 32 }),
            ...leaf([RBX, SP + 0x200]),
            ...words(SP + 32, [0, codeOf(1)]),
          ],
        ),
      )
      expect([named(walked), walked.steps]).toEqual(['0 1 fp_zero', { fp_gap: 1 }])
    })
  })

  describe('from one stack to another', () => {
    const GOROUTINE = 0x1000 // far below the thread's stack
    const HEAP = 0x4000

    it('by frame pointer, upwards and downwards', () => {
      const other = rule('other_stack', 16, { fp: AT_CFA, fpOff: -16 })
      for (const fp of [GOROUTINE, SP + 0x4000_0000]) {
        const walked = walk(drawn([other], [registers(codeOf(0), { fp }), ...words(fp, [0, codeOf(1)])]))
        expect([named(walked), walked.steps]).toEqual(['0 1 root', { row: 1 }])
      }
    })

    it('takes what lies there for no frame if it is no code', () => {
      const other = rule('other_stack', 16, { fp: AT_CFA, fpOff: -16 })
      const at = (fp: number, memory: readonly string[]) =>
        named(walk(drawn([other], [registers(codeOf(0), { fp }), ...memory])))
      expect(at(GOROUTINE, words(GOROUTINE, [0, 0x1234]))).toBe('0 no_mapping')
      expect(at(GOROUTINE, [])).toBe('0 read_fault')
      expect(at(GOROUTINE, words(GOROUTINE, [0, 0]))).toBe('0 pc_zero')
    })

    it('by how deep the goroutine was, wherever its stack is now', () => {
      // At the goroutine: the ends of its stack.
      for (const [cfa, extra] of [
        [8, {}],
        [16, { fp: AT_CFA, fpOff: -16 }],
      ] as const)
        for (const end of [0x2000, 0x9_0000]) {
          const memory = [
            ...words(HEAP, [end - 0x800, end]),
            ...words(SP, [1, 2, 0x100, HEAP]),
            ...words(end - 0x100, cfa === 8 ? [codeOf(1)] : [0, codeOf(1)]),
          ].sort(
            (one, other) =>
              Number.parseInt(one.split(' ')[1]!, 16) - Number.parseInt(other.split(' ')[1]!, 16),
          )
          const depth = rule('go_depth', cfa, { ...extra, aux: 16 })
          expect(named(walk(drawn([depth], [registers(codeOf(0)), ...memory])))).toBe('0 1 root')
        }
    })

    it('by the current goroutine of the thread', () => {
      const [thread, running, machine, current] = [0x2_0000, 0x3_0000, 0x4_0000, 0x5_0000]
      const kept = rule('go_current', 0x38, { fpOff: -8, aux: 6 | (24 << 6) })
      const memory = [
        ...words(GOROUTINE, [codeOf(1), 0]),
        ...words(thread - 8, [running]),
        ...words(running + 0x30, [machine]),
        ...words(machine + 0xc0, [current]),
        ...words(current + 0x38, [GOROUTINE]),
      ]
      const lines = (own: readonly string[]) =>
        drawn([kept, rule('sp', 8)], [`thread ${hex(thread)}`, registers(codeOf(0)), ...own])
      const walked = walk(lines(memory))
      expect([named(walked), walked.steps]).toEqual(['0 1 pc_zero', { row: 1 }])
      for (const missing of [2, 3, 4, 5])
        expect(named(walk(lines(memory.toSpliced(missing, 1))))).toBe('0 read_fault')
    })

    it('loses rbx on the way', () => {
      const other = rule('other_stack', 16, { fp: AT_CFA, fpOff: -16 })
      const hanging = rule('register', 32, { aux: 5 })
      const walked = walk(
        drawn(
          [other, hanging],
          [registers(codeOf(0), { fp: GOROUTINE }), 'register 5 7000', ...words(GOROUTINE, [0, codeOf(1)])],
        ),
      )
      expect(named(walked)).toBe('0 1 fp_zero')
    })

    it('ends at some depth where two stacks lead to each other', () => {
      const other = rule('other_stack', 16, { fp: AT_CFA, fpOff: -16 })
      const walked = walk(
        drawn(
          [other],
          [registers(codeOf(0), { fp: GOROUTINE }), ...words(GOROUTINE, [GOROUTINE, codeOf(0)])],
        ),
      )
      expect([walked.frames.length, walked.stop]).toEqual([512, 'depth'])
    })
  })

  describe('at code that is entered by a return', () => {
    /** 0 returns to an address; where 1 would be, no function is known; 2 has a frame of its own. */
    const returning = (to: number, third = rule('sp', 800)) => {
      const lines = drawn(
        [rule('sp', 8), rule('unsupported'), third],
        [registers(codeOf(0)), ...words(SP, [to])],
      )
      const second = `row ${hex((0x100 << 16) | 2)}`
      expect(lines).toContain(second)
      return walk(lines.map((line) => (line === second ? `row ${hex(0x100 << 16)}` : line)))
    }

    it('ends cleanly: the first byte of a function, and nothing before it, was called by nobody', () => {
      expect(returning(codeOf(2, 0))).toEqual({
        frames: [BigInt(codeOf(0)), BigInt(codeOf(2, 0))],
        stop: 'root',
        steps: { row: 1 },
      })
    })

    it('but not at any other byte of it, nor in the gap', () => {
      expect(returning(codeOf(2, 1)).stop).toBe('read_fault')
      expect(returning(codeOf(1, 0xff)).stop).toBe('fp_zero')
      expect(returning(codeOf(1, 0xff)).frames.at(-1)).toBe(BigInt(codeOf(1, 0xfe)))
    })

    it('and not where a function ends that is known', () => {
      const drawing = [registers(codeOf(0)), ...words(SP, [codeOf(2, 0), codeOf(3)])]
      const walked = walk(drawn([rule('sp', 8), rule('sp', 8), rule('sp', 800)], drawing))
      expect(named(walked)).toBe('0 1 3 root')
    })

    it('knows a signal’s trampoline by its own address', () => {
      const walked = returning(codeOf(2, 1), rule('signal'))
      expect(walked.frames.at(-1)).toBe(BigInt(codeOf(2, 1)))
    })
  })

  describe('over a signal', () => {
    const SIGNAL = rule('signal')
    const interrupted = (at: number, saved: { rbp?: number; rsp: number; rip: number }) =>
      words(at + 120, [saved.rbp ?? 0, 0, 0, 0, 0, saved.rsp, saved.rip])

    it('looks up what was interrupted exactly: the first byte of a function is not the function before it', () => {
      // 0 handler, 1 trampoline, 2 a function with a large frame, 3 interrupted at its first byte
      const rules = [rule('sp', 16), SIGNAL, rule('sp', 800), rule('sp', 8)]
      const memory = [
        ...words(SP, [0, codeOf(1)]),
        ...interrupted(SP + 16, { rsp: SP + 0x400, rip: codeOf(3, 0) }),
        ...words(SP + 0x400, [codeOf(4)]),
      ]
      const walked = walk(drawn(rules, [registers(codeOf(0)), ...memory]))
      expect(named(walked)).toBe('0 1 3 4 root')
      expect(walked.frames[2]).toBe(BigInt(codeOf(3, 0)))
      expect(walked.steps).toEqual({ row: 2, signal: 1 })
    })

    it('goes on to a stack that lies below the handler’s own', () => {
      const rules = [rule('sp', 16), SIGNAL, rule('sp', 8)]
      const memory = [
        ...words(0x800, [codeOf(3)]),
        ...words(SP, [0, codeOf(1)]),
        ...interrupted(SP + 16, { rsp: 0x800, rip: codeOf(2) }),
      ]
      expect(named(walk(drawn(rules, [registers(codeOf(0)), ...memory])))).toBe('0 1 2 3 root')
    })
  })

  describe('without a row', () => {
    const kept = (next: number | bigint, fp: number | bigint = 0) => words(SP + 32, [fp, next])
    const fp = SP + 32

    it('steps by frame pointer, and says why', () => {
      const gap = rule('gap')
      const steps = [gap, rule('unsupported'), 'rule 77 0 0 0 0'].map(
        (text) => walk(drawn([text], [registers(codeOf(0), { fp }), ...kept(codeOf(1))])).steps,
      )
      expect(steps).toEqual([{ fp_gap: 1 }, { fp_unsupported: 1 }, { fp_unsupported: 1 }])
      const elsewhere = (pc: number, vma: string) =>
        walk(drawn([gap], [vma, registers(pc, { fp }), ...kept(codeOf(1))])).steps
      expect(elsewhere(0x2000_0010, 'vma 20000000 1 0 0 0 0')).toEqual({ fp_anonymous: 1 })
      expect(elsewhere(0x2000_0010, 'vma 20000000 1 40 10000000 0 1')).toEqual({ fp_no_page: 1 })
    })

    it('takes no frame pointer that cannot be one', () => {
      const from = (pointer: number) =>
        named(walk(drawn([rule('gap')], [registers(codeOf(0), { fp: pointer }), ...kept(codeOf(1))])))
      expect(from(fp)).toBe('0 1 root')
      expect(from(0)).toBe('0 fp_zero')
      expect(from(fp + 1)).toBe('0 bad_fp')
      expect(from(SP - 8)).toBe('0 bad_fp')
      expect(from(SP + 2 ** 20 + 8)).toBe('0 bad_fp')
      expect(from(fp + 8)).toBe('0 read_fault')
    })

    it('finds a frame pointer that is parked below the stack', () => {
      const stack = [...words(SP - 16, [SP + 32]), ...kept(codeOf(1))]
      const at = (memory: readonly string[]) =>
        named(walk(drawn([rule('gap')], [registers(codeOf(0), { fp: SP - 16 }), ...memory])))
      expect(at(stack)).toBe('0 1 root')
      expect(at(words(SP - 16, [SP - 16]))).toBe('0 bad_fp') // once, not for ever
      expect(at([])).toBe('0 read_fault')
    })

    it('counts nothing as a frame that a frame pointer found outside of all code', () => {
      const walked = walk(drawn([rule('gap')], [registers(codeOf(0), { fp }), ...kept(0x1234)]))
      expect(named(walked)).toBe('0 no_mapping')
    })

    it('keeps an address that is certain, though its mapping is not known', () => {
      const leaf = walk(drawn([], [registers(0x5000_0000)]))
      expect(leaf).toEqual({ frames: [0x5000_0000n], stop: 'no_mapping', steps: {} })
      const caller = walk(drawn([rule('sp', 8)], [registers(codeOf(0)), ...words(SP, [0x5000_0001])]))
      expect(caller.frames).toEqual([BigInt(codeOf(0)), 0x5000_0000n])
    })

    it('walks an unknown process by frame pointers alone', () => {
      const memory = [...kept(0x1235, SP + 64), ...words(SP + 64, [0, 0x2346])]
      const walked = walk(['unknown', ...drawn([rule('root')], [registers(codeOf(0), { fp }), ...memory])])
      expect(walked).toEqual({
        frames: [BigInt(codeOf(0)), 0x1234n, 0x2345n],
        stop: 'fp_zero',
        steps: { fp_unknown: 2 },
      })
    })
  })

  it('ends at the depth that it was told, and in any case before the record is full', () => {
    const deep = drawn(
      [rule('sp', 16)],
      [
        registers(codeOf(0)),
        ...words(
          SP,
          Array.from({ length: 1400 }, () => codeOf(0)),
        ),
      ],
    )
    const ends = [['depth 5'], ['depth 200'], ['depth ffffffff']].map((depth) => walk([...depth, ...deep]))
    expect(ends.map(({ frames, stop }) => [frames.length, stop])).toEqual([
      [5, 'depth'],
      [512, 'depth'],
      [576, 'depth'],
    ])
  })

  it('does not read tables that are not there', () => {
    const broken = (...lines: string[]) => walk([GAP, rule('root'), registers(0x10_0010), ...lines]).stop
    expect(broken('vma 100000 10 10 0 7 1')).toBe('fp_zero') // no such page
    expect(broken('page 50 20', 'vma 100000 10 10 0 0 1')).toBe('fp_zero') // no such rows
    expect(broken('row 63', 'page 0 1', 'vma 100000 10 10 0 0 1')).toBe('fp_zero') // no such rule
    expect(broken('row 1', 'page 0 ffffffff', 'vma 100000 10 10 0 0 1')).not.toBe('read_fault')
    expect(broken('vma 100000 10 ffffffff 0 0 1')).toBe('fp_zero')
  })

  it('finds the row that a naive search finds, in all pages of all mappings', () => {
    const page = fc.uniqueArray(fc.integer({ min: 1, max: 0xffff }), { maxLength: 300 })
    const file = fc.record({
      pages: fc.array(page, { minLength: 1, maxLength: 4 }),
      gapAfter: fc.integer({ min: 0, max: 3 }),
    })
    const world = fc.record({
      files: fc.array(file, { minLength: 1, maxLength: 12 }),
      picks: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
      holes: fc.boolean(),
    })
    fc.assert(
      fc.property(world, ({ files, picks, holes }) => {
        const { lines, mapped, ruleAt } = tablesOf(files)
        const lengths = (id: number) => 16 * id // of the frame that rule `id` describes
        // The stack holds return addresses only, so that every step lands at another random place.
        const stack = picks.map((pick) => {
          const vma = mapped[pick % mapped.length]!
          return vma.start + (holes && pick % 7 === 0 ? vma.bytes + 5 : Math.floor(pick / 7) % vma.bytes) + 1
        })
        const memory = stack.flatMap((pc) => [pc, pc])
        const expected: number[] = []
        let pc = stack[0]! - 1
        let at = 0 // word
        let stop = ''
        while (stop === '') {
          expected.push(pc)
          const id = ruleAt(pc)
          if (id === undefined) stop = 'no_mapping'
          else if (id === 0) stop = 'fp_zero'
          else {
            at += lengths(id) / 8
            const next = memory[at - 1]
            if (next === undefined) stop = 'read_fault'
            else pc = next - 1
          }
        }
        const walked = walk([...lines, registers(stack[0]! - 1), ...words(SP, memory)])
        expect([walked.frames.map(Number), walked.stop]).toEqual([expected, stop])
      }),
      { numRuns: 60 },
    )
  })

  describe('on arm64', () => {
    it('takes a leaf’s return address from its register, once', () => {
      const rules = [rule('lr', 0), rule('sp', 32, { fp: AT_CFA, fpOff: -32, aux: -24 })]
      const signed = 0x00b4_0000_0000_0000n | BigInt(codeOf(2)) // PAC bits above the address
      const stack = [SP + 128, signed, 0, 0]
      const drawing = drawn(rules, [registers(codeOf(0), { lr: codeOf(1) }), ...words(SP, stack)])
      const walked = walkArm(drawing)
      expect(named(walked)).toBe('0 1 2 root')
      expect(named(walkArm(drawn([rule('lr', 0)], [registers(codeOf(0), { lr: codeOf(0) })])))).toBe(
        '0 0 pc_zero',
      )
    })

    it('goes over a signal, and finds the interrupted leaf’s caller in its register', () => {
      const rules = [rule('sp', 16, { aux: -8 }), rule('signal'), rule('lr', 0)]
      const memory = [
        ...words(SP, [0, codeOf(1)]),
        ...words(SP + 16 + 312 + 29 * 8, [0, codeOf(3), SP + 0x800, codeOf(2, 0)]),
      ]
      expect(named(walkArm(drawn(rules, [registers(codeOf(0)), ...memory])))).toBe('0 1 2 3 root')
    })
  })
})

type FileDrawing = { readonly pages: readonly (readonly number[])[]; readonly gapAfter: number }

/** Tables for some files, mapped one after the other. Rule i + 1 is a frame of 16 × (i + 1) bytes; every fifth row is a
 *  gap.  out  and what a linear search says */
function tablesOf(files: readonly FileDrawing[]) {
  const RULES = 6
  const rules = [GAP, ...Array.from({ length: RULES }, (_, i) => rule('sp', 16 * (i + 1)))]
  const rows: string[] = []
  const pages: string[] = []
  const vmas: string[] = []
  const mapped: { start: number; bytes: number }[] = []
  const found: { from: number; id: number }[] = [] // ascending by address
  let start = 0x1000_0000
  files.forEach(({ pages: drawing, gapAfter }, f) => {
    const base = 0x10 + f // of the file's first page
    const bias = start - base * 65_536
    vmas.push(
      `vma ${hex(start)} ${hex(drawing.length * 16)} ${hex(base)} ${hex(bias)} ${hex(pages.length)} ${hex(drawing.length)}`,
    )
    drawing.forEach((starts, p) => {
      const first = rows.length
      for (const low of [0, ...[...starts].sort((one, other) => one - other)]) {
        const id = rows.length % 5 === 4 ? 0 : (rows.length % RULES) + 1
        rows.push(`row ${hex(((low << 16) | id) >>> 0)}`)
        found.push({ from: start + 65_536 * p + low, id })
      }
      pages.push(`page ${hex(first)} ${hex(rows.length - first)}`)
    })
    mapped.push({ start, bytes: drawing.length * 65_536 })
    start += (drawing.length + gapAfter) * 65_536
  })
  const ruleAt = (address: number) =>
    mapped.some((vma) => address >= vma.start && address < vma.start + vma.bytes)
      ? found.findLast(({ from }) => from <= address)?.id
      : undefined
  return { lines: [...rules, ...rows, ...pages, ...vmas], mapped, ruleAt }
}
