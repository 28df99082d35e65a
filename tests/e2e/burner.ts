// A C program whose truth is known: three functions with names drawn for this run burn CPU in shares that it controls
// and measures itself by CLOCK_THREAD_CPUTIME_ID. On SIGUSR1 the first one goes from a third to two thirds.
//
//   main ─► dispatch ─► handle ─┬─► grow     1/3, then 2/3
//                               ├─► shrink   1/3, then 1/6
//                               └─► syscall  1/3, then 1/6: reads /dev/zero by an instruction of its own, so that
//                                            kernel frames stand directly on it
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** Flags of gcc that give a chain of frame pointers, that leave the tables alone, and that leave no way to a caller. */
const FRAME_POINTERS = ['-O1', '-fno-omit-frame-pointer', '-fno-optimize-sibling-calls', '-fno-inline']
export const NO_FRAME_POINTERS = ['-O2', '-fomit-frame-pointer', '-fno-inline']
export const NO_WAY_UP = [...NO_FRAME_POINTERS, ...['-fno-asynchronous-unwind-tables', '-fno-unwind-tables']]

export interface BurnerNames {
  readonly dispatch: string
  readonly handle: string
  readonly grow: string
  readonly shrink: string
  readonly syscall: string
}
/** What the program printed of itself: CPU nanoseconds by function since the phase began. */
export interface BurnerTruth {
  readonly phase: number
  readonly grow: number
  readonly shrink: number
  readonly syscall: number
}

export interface Burner {
  readonly names: BurnerNames
  readonly executable: string
  readonly pid: number
  /** CPU seconds of the process so far: utime + stime of /proc/PID/stat. */
  cpuSeconds(): number
  /** Ends the phase: resolves with its true times; the next phase has begun. */
  nextPhase(): Promise<BurnerTruth>
  /** Ends the program: resolves with the true times of its last phase. */
  stop(): Promise<BurnerTruth>
}

/** Compiles the program with gcc and starts it.
 *  in  flags  replace those that keep frame pointers */
export async function startBurner(flags: readonly string[] = FRAME_POINTERS): Promise<Burner> {
  const word = (prefix: string) => `${prefix}_${randomBytes(5).toString('hex')}`
  const names: BurnerNames = {
    dispatch: word('dispatch'),
    handle: word('handle'),
    grow: word('grow'),
    shrink: word('shrink'),
    syscall: word('ask'),
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'flametrail-burner-'))
  const source = path.join(directory, 'burner.c')
  const executable = path.join(directory, word('burner').slice(0, 15))
  writeFileSync(source, burnerSource(names))
  execFileSync('gcc', [...flags, '-o', executable, source])
  const child = spawn(executable, [], { stdio: ['ignore', 'pipe', 'inherit'] })
  return attach(child, names, executable)
}

function attach(child: ChildProcess, names: BurnerNames, executable: string): Burner {
  const pid = child.pid!
  const lines = createInterface({ input: child.stdout! })
  const nextLine = () =>
    new Promise<BurnerTruth>((resolve, reject) => {
      lines.once('line', (line) => resolve(JSON.parse(line) as BurnerTruth))
      child.once('error', reject)
    })
  const ask = (signal: NodeJS.Signals) => {
    const line = nextLine()
    child.kill(signal)
    return line
  }
  return {
    names,
    executable,
    pid,
    cpuSeconds: () => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    nextPhase: () => ask('SIGUSR1'),
    stop: () => ask('SIGTERM'),
  }
}

/** A leaf keeps its frame only if it uses its stack (gcc 12), hence the arrays. */
function burnerSource(names: BurnerNames): string {
  return `
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/syscall.h>

static volatile sig_atomic_t phase_asked = 1, stop_asked = 0;
static volatile unsigned long sink;
static int zero;

static void on_usr1(int signal) { (void)signal; phase_asked++; }
static void on_term(int signal) { (void)signal; stop_asked = 1; }

static long long cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void ${names.grow}(long rounds) {
  volatile unsigned long cell[8] = {1, 2, 3};
  for (long i = 0; i < rounds; i++) cell[i & 7] += cell[(i + 3) & 7] * 31 + i;
  sink += cell[0];
}

void ${names.shrink}(long rounds) {
  volatile unsigned long cell[8] = {4, 5, 6};
  for (long i = 0; i < rounds; i++) cell[i & 7] ^= cell[(i + 5) & 7] * 17 + i;
  sink += cell[1];
}

void ${names.syscall}(long rounds) {
  static char buffer[1 << 16];
  volatile long got[2] = {0, 0};
  for (long i = 0; i < rounds; i++) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_read), "D"(zero), "S"(buffer), "d"(sizeof buffer) : "rcx", "r11", "memory");
#else
    register long x8 __asm__("x8") = SYS_read, x0 __asm__("x0") = zero, x1 __asm__("x1") = (long)buffer, x2 __asm__("x2") = sizeof buffer;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    long result = x0;
#endif
    got[i & 1] += result;
  }
  sink += got[0];
}

void ${names.handle}(int which) {
  volatile int keep[2] = {which, which};
  /* Slices of uneven length, so that no sampling period can fall in step with them. */
  long jitter = 50 + random() % 100;
  if (keep[0] == 0) ${names.grow}(jitter * 2000);
  else if (keep[0] == 1) ${names.shrink}(jitter * 2000);
  else ${names.syscall}(jitter);
  sink += keep[1];
}

void ${names.dispatch}(int which) {
  volatile int keep[2] = {which, 0};
  ${names.handle}(keep[0]);
  sink += keep[1];
}

int main(void) {
  static const double share[2][3] = {{1.0 / 3, 1.0 / 3, 1.0 / 3}, {2.0 / 3, 1.0 / 6, 1.0 / 6}};
  int phase = 1;
  double spent[3] = {0, 0, 0};
  zero = open("/dev/zero", O_RDONLY);
  signal(SIGUSR1, on_usr1);
  signal(SIGTERM, on_term);
  for (;;) {
    if (phase_asked != phase || stop_asked) {
      printf("{\\"phase\\":%d,\\"grow\\":%.0f,\\"shrink\\":%.0f,\\"syscall\\":%.0f}\\n", phase, spent[0], spent[1], spent[2]);
      fflush(stdout);
      if (stop_asked) return 0;
      phase = phase_asked;
      spent[0] = spent[1] = spent[2] = 0;
    }
    const double *want = share[phase > 1];
    double all = spent[0] + spent[1] + spent[2];
    int which = 0;
    for (int i = 1; i < 3; i++)
      if (want[i] * all - spent[i] > want[which] * all - spent[which]) which = i;
    long long before = cpu_ns();
    ${names.dispatch}(which);
    spent[which] += cpu_ns() - before;
  }
}
`
}
