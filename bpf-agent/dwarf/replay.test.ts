// Do the rules lead home? Programs compiled on the spot stop deep inside, print their registers, their stack and what
// libgcc's unwinder thinks of it; here the rows walk over that stack, as the sampler would, and must meet the same
// return addresses and the same CFAs, up to `_start`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
import { readElf, SEGMENT_EXECUTABLE, SEGMENT_LOAD } from '../elf/elf-file.ts'
import type { CompiledTable } from './compiled-table.ts'
import {
  FP_AT_CFA,
  FP_AT_FP,
  RULE_DEREF,
  RULE_DEREF_SP,
  RULE_FP,
  RULE_ROOT,
  RULE_SIGNAL,
  RULE_SP,
  RULE_SP_FAR,
} from './rule.ts'
import { compileUnwindTable } from './unwind-table.ts'

const PROGRAM = String.raw`
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int sink;

#ifndef MUSL
#include <unwind.h>

static _Unwind_Reason_Code print_frame(struct _Unwind_Context *context, void *unused)
{
	int is_exact = 0;
	printf("truth %lx %lx\n", (long)_Unwind_GetIPInfo(context, &is_exact), (long)_Unwind_GetCFA(context));
	return _URC_NO_REASON;
}
#endif

__attribute__((noinline)) void stop(void)
{
	unsigned long pc, sp, fp, start, end;
	asm volatile("lea 0(%%rip), %0\n mov %%rsp, %1\n mov %%rbp, %2" : "=r"(pc), "=r"(sp), "=r"(fp));
	printf("registers %lx %lx %lx\n", pc, sp, fp);
#ifdef MUSL
	extern void fault(void);
	extern int main(int, char **);
	printf("truth %lx %lx\n", (long)fault, (long)main);
#else
	_Unwind_Backtrace(print_frame, NULL);
#endif
	char line[4096];
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps)) {
		printf("map %s", line);
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= sp && sp < end)
			for (unsigned long at = sp; at < end; at += 8)
				printf("word %lx %lx\n", at, *(unsigned long *)at);
	}
	fclose(maps);
	fflush(stdout);
	_exit(0);
}

__attribute__((noinline)) int deep(int n)
{
	volatile char room[48];
	room[n & 31] = (char)n;
	if (n == 0)
		stop();
	int result = deep(n - 1) + room[n & 31];
	sink = result;
	return result;
}

/* More local variables than a rule of 16 bits can step over. */
__attribute__((noinline)) int wide(int n)
{
	volatile char room[200000];
	room[n] = 1;
	int result = deep(3) + room[n];
	sink = result;
	return result;
}

/* Arguments on the stack, a length known at run time and vectors of 64 bytes: the CFA is found through the register r10, then through memory. */
__attribute__((noipa)) int aligned(int a, int b, int c, int d, int e, int f, int g, int h)
{
	volatile int room[64] __attribute__((aligned(64)));
	volatile char *more = __builtin_alloca(a + 100);
	more[a] = 1;
	room[a & 63] = g + h;
	int result = wide(a + 5) + room[a & 63] + more[a] + g + h;
	sink = result;
	return result;
}

static int compare(const void *one, const void *other)
{
	static int calls;
	if (++calls == 4)
		sink = aligned(1, 2, 3, 4, 5, 6, 7, 8);
	return *(const int *)one - *(const int *)other;
}

static void on_signal(int number)
{
#ifdef MUSL
	sink = aligned(1, 2, 3, 4, 5, 6, 7, 8);
#endif
	int values[8] = { 5, 3, 8, 1, 9, 2, 7, 4 };
	qsort(values, 8, sizeof(int), compare);
	sink = values[number & 7];
}

/* The signal comes at the first instruction of a function: one byte before it stands another. */
__attribute__((noinline, naked)) void fault(void) { asm volatile("ud2"); }

int main(int argc, char **argv)
{
	volatile double vector[16] __attribute__((aligned(64)));
	vector[argc] = 1;
	signal(SIGILL, on_signal);
	signal(SIGUSR1, on_signal);
	if (argc > 1 && strcmp(argv[1], "fault") == 0)
		fault();
	else
		raise(SIGUSR1);
	return (int)vector[argc] + sink;
}
`

const hasMusl = spawnSync('musl-gcc', ['--version']).status === 0
const hasGcc = spawnSync('gcc', ['--version']).status === 0

describe.skipIf(!hasGcc || process.arch !== 'x64' || process.platform !== 'linux')('a walk (gcc)', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'replay-'))
    writeFileSync(join(folder, 'program.c'), PROGRAM)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  for (const options of [['-O2'], ['-O0'], ['-O2', '-static-pie'], ['-O2', '-no-pie']])
    for (const argument of ['raise', 'fault'])
      it(`of gcc ${options.join(' ')}, signal by ${argument}, meets every frame`, () => {
        const snapshot = snapshotOf(folder, { options, argument })
        const { frames, kinds, end } = walk(snapshot)
        const start = snapshot.truth.findIndex(({ pc }) => pc === frames[0]?.pc)
        expect(start).toBeGreaterThanOrEqual(0)
        expect(frames).toEqual(snapshot.truth.slice(start, start + frames.length))
        expect(snapshot.truth.length - start - frames.length).toBeLessThanOrEqual(1) // libgcc may end with a zero
        expect(end).toBe('root')
        expect(kinds).toContain(RULE_SIGNAL)
        if (options.includes('-O2')) {
          expect(kinds).toContain(RULE_DEREF)
          expect(kinds).toContain(RULE_SP_FAR)
        }
      })

  it.skipIf(!hasMusl).each([['-static'], ['-Wl,--as-needed']])(
    'of musl %s finds what its signals interrupted, though musl has no rows',
    (option) => {
      const snapshot = snapshotOf(folder, {
        compiler: 'musl-gcc',
        options: ['-O2', '-DMUSL', option],
        argument: 'fault',
      })
      const { frames, kinds } = walk(snapshot)
      const [{ pc: fault, sp: main }] = snapshot.truth as [Frame]
      const interrupted = frames[kinds.indexOf(RULE_SIGNAL)]!
      expect(interrupted.pc).toBe(fault)
      const caller = frames[kinds.indexOf(RULE_SIGNAL) + 1]!
      expect(Number(caller.pc - main)).toBeGreaterThan(0)
      expect(Number(caller.pc - main)).toBeLessThan(300) // bytes of main
    },
  )
})

interface Frame {
  readonly pc: bigint
  /** Its stack pointer: the CFA of the frame it called, which is what libgcc tells together with this address. */
  readonly sp: bigint
}
interface MappedFile {
  readonly start: bigint
  readonly end: bigint
  readonly bias: bigint
  readonly table: CompiledTable
}
interface Snapshot {
  readonly registers: { pc: bigint; sp: bigint; fp: bigint }
  readonly truth: readonly Frame[]
  readonly words: ReadonlyMap<bigint, bigint>
  readonly files: readonly MappedFile[]
}

/** One frame after the other by the rows.  out  callers: return address and stack pointer of each */
function walk({ registers, words, files }: Snapshot) {
  let { pc, sp, fp } = registers
  let isExact = true
  const frames: Frame[] = []
  const kinds: number[] = []
  const load = (address: bigint) => {
    const word = words.get(address)
    if (word === undefined)
      throw new Error(`nothing at ${address.toString(16)} after ${frames.length} frames`)
    return word
  }
  for (let i = 0; i < 100; i++) {
    const address = isExact ? pc : pc - 1n
    isExact = false
    const rule = ruleAt(files, address)
    if (rule === undefined) return { frames, kinds, end: `no row at ${address.toString(16)}` }
    kinds.push(rule.kind)
    if (rule.kind === RULE_ROOT) return { frames, kinds, end: 'root' }
    if (rule.kind === RULE_SIGNAL) {
      fp = load(sp + 120n)
      pc = load(sp + 168n)
      sp = load(sp + 160n)
      isExact = true
      frames.push({ pc, sp })
      continue
    }
    const cfa = cfaOf(rule, { sp, fp, load })
    if (cfa === undefined) return { frames, kinds, end: `rule of kind ${rule.kind}` }
    if (rule.fpKind === FP_AT_CFA) fp = load(cfa + rule.fpOffset)
    if (rule.fpKind === FP_AT_FP) fp = load(fp + rule.fpOffset)
    pc = load(cfa - 8n)
    sp = cfa
    frames.push({ pc, sp })
  }
  return { frames, kinds, end: 'too deep' }
}

type Rule = NonNullable<ReturnType<typeof ruleAt>>

function cfaOf(
  { kind, cfa, aux }: Rule,
  { sp, fp, load }: { sp: bigint; fp: bigint; load: (address: bigint) => bigint },
): bigint | undefined {
  switch (kind) {
    case RULE_SP:
      return sp + cfa
    case RULE_SP_FAR:
      return sp + aux * 65_536n + cfa
    case RULE_FP:
      return fp + cfa
    case RULE_DEREF:
      return load(fp + aux) + cfa
    case RULE_DEREF_SP:
      return load(sp + aux) + cfa
    default:
      return undefined
  }
}

function ruleAt(files: readonly MappedFile[], address: bigint) {
  const file = files.find(({ start, end }) => address >= start && address < end)
  if (file === undefined) return undefined
  const { basePage, pageFirst, pc, rule, rules } = file.table
  const vaddr = Number(address - file.bias)
  const page = Math.floor(vaddr / 65_536) - basePage
  let row = pageFirst[page + 1]! - 1
  while (row > pageFirst[page]! && pc[row]! > (vaddr & 0xffff)) row--
  const view = new DataView(rules.buffer, rules.byteOffset + 8 * rule[row]!, 8)
  const [cfa, fpOffset, aux] = [2, 4, 6].map((at) => BigInt(view.getInt16(at, true))) as [
    bigint,
    bigint,
    bigint,
  ]
  return { kind: view.getUint8(0), fpKind: view.getUint8(1), cfa, fpOffset, aux }
}

function snapshotOf(
  folder: string,
  run: { readonly options: readonly string[]; readonly argument: string; readonly compiler?: string },
): Snapshot {
  const binary = join(folder, `program${run.options.join('').replaceAll(/[^a-z0-9]/gi, '')}`)
  const fixed = [
    '-fomit-frame-pointer',
    '-fasynchronous-unwind-tables',
    '-w',
    '-o',
    binary,
    join(folder, 'program.c'),
  ]
  const compiled = spawnSync(run.compiler ?? 'gcc', [...run.options, ...fixed], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
  const lines = spawnSync(binary, [run.argument], { encoding: 'utf8', maxBuffer: 2 ** 28 }).stdout.split('\n')
  const words = new Map<bigint, bigint>()
  const truth: Frame[] = []
  const files: MappedFile[] = []
  let registers = { pc: 0n, sp: 0n, fp: 0n }
  for (const line of lines) {
    const [kind, first, second, third] = line.split(' ')
    if (kind === 'word') words.set(hex(first), hex(second))
    else if (kind === 'truth') truth.push({ pc: hex(first), sp: hex(second) })
    else if (kind === 'registers') registers = { pc: hex(first), sp: hex(second), fp: hex(third) }
    else if (kind === 'map' && second?.includes('x')) {
      const path = line.slice(line.indexOf('/'))
      if (line.includes('/')) files.push(mappedFile(path, { range: first!, offset: hex(third) }))
    }
  }
  return { registers, words, files, truth }
}

function mappedFile(path: string, mapping: { readonly range: string; readonly offset: bigint }): MappedFile {
  const source = bytesSource(readFileSync(path))
  const elf = readElf(source)
  const compiled = compileUnwindTable(source)
  if (!elf.ok || !compiled.ok) throw new Error(`cannot read ${path}`)
  const [start, end] = mapping.range.split('-').map((part) => hex(part)) as [bigint, bigint]
  const segment = elf.value.segments.find(
    ({ type, flags, offset, fileSize }) =>
      type === SEGMENT_LOAD && flags & SEGMENT_EXECUTABLE && mapping.offset < BigInt(offset + fileSize),
  )!
  const bias = start - (BigInt(segment.address) + mapping.offset - BigInt(segment.offset))
  return { start, end, bias, table: compiled.value }
}

const hex = (text: string | undefined) => BigInt(`0x${text}`)
