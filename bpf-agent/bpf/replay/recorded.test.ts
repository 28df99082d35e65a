// Does the walk meet what really was on a stack? A program stops deep inside and prints its registers, its stack and what
// libgcc's unwinder thinks of it; the tables of the files it maps are compiled here, and only the pages that its frames
// touch are kept. One such snapshot is committed, so that the walk is also tried on a stack of another machine's libc;
// RECORD_SNAPSHOT=1 writes it anew.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileUnwindTable } from '../../dwarf/unwind-table.ts'
import { bytesSource } from '../../elf/byte-source.ts'
import { readElf, SEGMENT_EXECUTABLE, SEGMENT_LOAD } from '../../elf/elf-file.ts'
import { walkLines } from '../../unwind/walk-lines.ts'
import { compileReplay, compiler, type Walked } from './replay.ts'

const PROGRAM = String.raw`
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <unwind.h>

static volatile int sink;
static unsigned long top;

static _Unwind_Reason_Code print_frame(struct _Unwind_Context *context, void *unused)
{
	int is_interrupted = 0;
	unsigned long pc = _Unwind_GetIPInfo(context, &is_interrupted);
	if (pc == 0)
		return _URC_NO_REASON;
	printf("truth %lx %d\n", pc, is_interrupted);
	if (_Unwind_GetCFA(context) > top)
		top = _Unwind_GetCFA(context);
	return _URC_NO_REASON;
}

__attribute__((noinline)) void stop(void)
{
	unsigned long pc, sp, fp;
	__asm__ volatile("lea 0(%%rip), %0\n mov %%rsp, %1\n mov %%rbp, %2" : "=r"(pc), "=r"(sp), "=r"(fp));
	printf("registers %lx %lx %lx\n", pc, sp, fp);
	_Unwind_Backtrace(print_frame, 0);
	for (unsigned long at = sp; at < top; at += 8)
		printf("word %lx %lx\n", at, *(unsigned long *)at);
	char line[4096];
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps))
		printf("map %s", line);
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

__attribute__((noipa)) int aligned(int a, int b, int c, int d, int e, int f, int g, int h)
{
	volatile int room[16] __attribute__((aligned(64)));
	volatile char *more = __builtin_alloca(a + 100);
	more[a] = room[a & 15] = g + h;
	int result = deep(a + 5) + room[a & 15] + more[a];
	sink = result;
	return result;
}

static void on_signal(int number) { sink = aligned(number & 1, 2, 3, 4, 5, 6, 7, 8); }

/* Interrupted at its first byte: one byte before it stands another function. */
__attribute__((noinline, naked)) void fault(void) { __asm__ volatile("ud2"); }

static int compare(const void *one, const void *other)
{
	static int calls;
	if (++calls == 4)
		fault();
	return *(const int *)one - *(const int *)other;
}

int main(void)
{
	int values[8] = { 5, 3, 8, 1, 9, 2, 7, 4 };
	signal(SIGILL, on_signal);
	qsort(values, 8, sizeof(int), compare);
	return sink;
}
`

const SNAPSHOT = path.join(import.meta.dirname, 'snapshots/qsort-signal.txt')
const work = mkdtempSync(path.join(tmpdir(), 'flametrail-recorded-'))

describe.skipIf(compiler === undefined)(`a walk over a stack (${compiler ?? 'needs gcc or clang'})`, () => {
  let walk: (lines: readonly string[]) => Walked
  beforeAll(() => {
    walk = compileReplay('x86', work, walkLines)
  })
  afterAll(() => {
    rmSync(work, { recursive: true, force: true })
  })

  // Over a signal in a callback of qsort, interrupted at the first byte of a function, and a realigned frame.
  const meetsEveryFrame = (lines: readonly string[]) => {
    const truth = lines
      .filter((line) => line.startsWith('# frame '))
      .map((line) => BigInt(`0x${line.split(' ')[2]}`))
    expect(truth.length).toBeGreaterThan(15)
    const { frames, stop, steps } = walk(lines)
    expect(frames).toEqual(truth)
    expect({ stop, steps }).toEqual({ stop: 'root', steps: { row: truth.length - 2, signal: 1 } })
  }

  it('recorded elsewhere meets every frame', () => {
    meetsEveryFrame(readFileSync(SNAPSHOT, 'utf8').split('\n'))
  })

  const canRecord = process.arch === 'x64' && spawnSync('gcc', ['--version']).status === 0
  it.skipIf(!canRecord)('recorded here and now meets every frame (gcc, x64)', () => {
    const lines = recordSnapshot(work)
    if (process.env.RECORD_SNAPSHOT) writeFileSync(SNAPSHOT, `${lines.join('\n')}\n`)
    meetsEveryFrame(lines)
  })
})

const hex = (number: number | bigint) => number.toString(16)

/** Compiles, runs and records the program.
 *  out  lines for replay.c; comments "# frame ADDRESS" say what must come out, leaf first */
function recordSnapshot(folder: string): string[] {
  const binary = path.join(folder, 'recorded')
  writeFileSync(`${binary}.c`, PROGRAM)
  const flags = ['-O2', '-fomit-frame-pointer', '-w', '-o', binary, `${binary}.c`]
  const compiled = spawnSync('gcc', flags, { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(compiled.stderr)
  const ran = spawnSync(binary, { encoding: 'utf8', env: {}, maxBuffer: 2 ** 26 })
  const output = ran.stdout.split('\n').map((line) => line.split(/\s+/))
  const rowsOf = (kind: string) => output.filter(([first]) => first === kind)
  const [pc, sp, fp] = rowsOf('registers')[0]!.slice(1)
  const truth = rowsOf('truth')
  const frames = truth.map(([, address, isInterrupted], i) => {
    if (i === 0) return BigInt(`0x${pc}`) // stopped a little before it called the unwinder
    const isTrampoline = truth[i + 1]?.[2] === '1' // entered by a return: its address is its own, too
    return BigInt(`0x${address}`) - (isInterrupted === '1' || isTrampoline ? 0n : 1n)
  })
  return [
    '# Recorded by recorded.test.ts. The frames that must come out, leaf first:',
    ...frames.map((frame) => `# frame ${hex(frame)}`),
    ...tables(rowsOf('map'), frames),
    `registers ${pc} ${sp} ${fp} 0`,
    ...rowsOf('word').map((words) => words.join(' ')),
  ]
}

function tables(maps: readonly string[][], frames: readonly bigint[]): string[] {
  const ids = new Map<string, number>([['rule 4 0 0 0 0', 0]])
  const [rows, pages, vmas]: [string[], string[], string[]] = [[], [], []]
  for (const [, range, rights, offset, , , file] of maps) {
    if (!rights!.includes('x') || !file?.startsWith('/')) continue
    const [start, end] = range!.split('-').map((part) => BigInt(`0x${part}`)) as [bigint, bigint]
    const { table, bias } = compiledFile(file, { start, offset: BigInt(`0x${offset}`) })
    const view = new DataView(table.rules.buffer, table.rules.byteOffset)
    const idOf = (local: number): number => {
      const at = 8 * local
      const numbers = [2, 4, 6].map((field) => view.getInt16(at + field, true))
      const line = `rule ${table.rules[at]} ${table.rules[at + 1]} ${numbers.join(' ')}`
      return ids.get(line) ?? ids.set(line, ids.size).get(line)!
    }
    const touched = new Set(
      frames
        .filter((frame) => frame >= start && frame < end)
        .map((frame) => Number((frame - bias) >> 16n) - table.basePage),
    )
    const nPages = table.pageFirst.length - 1
    vmas.push(
      `vma ${hex(start)} ${hex((end - start) / 4096n)} ${hex(table.basePage)} ${hex(bias)} ${hex(pages.length)} ${hex(nPages)}`,
    )
    for (let page = 0; page < nPages; page++) {
      const [from, to] = [table.pageFirst[page]!, touched.has(page) ? table.pageFirst[page + 1]! : 0]
      pages.push(`page ${hex(rows.length)} ${hex(Math.max(0, to - from))}`)
      for (let row = from; row < to; row++)
        rows.push(`row ${hex(((table.pc[row]! << 16) | idOf(table.rule[row]!)) >>> 0)}`)
    }
  }
  return [...ids.keys(), ...rows, ...pages, ...vmas]
}

function compiledFile(file: string, mapping: { readonly start: bigint; readonly offset: bigint }) {
  const source = bytesSource(readFileSync(file))
  const elf = readElf(source)
  const compiled = compileUnwindTable(source)
  if (!elf.ok || !compiled.ok) throw new Error(`cannot read ${file}`)
  const segment = elf.value.segments.find(
    ({ type, flags, offset, fileSize }) =>
      type === SEGMENT_LOAD && flags & SEGMENT_EXECUTABLE && mapping.offset < BigInt(offset + fileSize),
  )!
  const bias = mapping.start - (BigInt(segment.address) + mapping.offset - BigInt(segment.offset))
  return { table: compiled.value, bias }
}
