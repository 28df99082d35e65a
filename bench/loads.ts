// What keeps the machine busy while the agent is judged? Programs as they are found on hosts, started and ended by their
// own handles: each function gives the way to end what it started, and nothing outlives the bench.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { NO_FRAME_POINTERS, startBurner } from '../tests/e2e/burner.ts'
import { ROOT } from './machine.ts'
import { endWithBench, sleep } from './processes.ts'

/** For an idle machine. */
export async function startNothing() {
  return async () => {}
}

/** Processes that come and go: small files are compiled, one after the other, on every core. */
export async function startStorm(): Promise<() => Promise<void>> {
  const directory = mkdtempSync(`${tmpdir()}/flametrail-storm-`)
  const file = path.join(directory, 'small.c')
  writeFileSync(
    file,
    Array.from({ length: 40 }, (_, i) => `int f${i}(int x) { return x * ${i} + 1; }\n`).join(''),
  )
  const words = ['-c', 'while :; do gcc -O2 -c -o "$1" "$0" || exit 1; done', file]
  const shells = cpus().map((_, i) =>
    spawn('sh', [...words, path.join(directory, `${i}.o`)], { stdio: 'ignore', detached: true }),
  )
  const forget = shells.map(({ pid }) => endWithBench(-pid!))
  return async () => {
    for (const { pid } of shells) process.kill(-pid!, 'SIGKILL')
    for (const done of forget) done()
    await sleep(200)
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Keeps every core busy; resolves with the way to end it. */
export async function startBusy(): Promise<() => Promise<void>> {
  const others = [
    spawn(process.execPath, ['-e', NODE_LOOP], { stdio: 'ignore' }),
    spawn('python3', ['-c', PYTHON_LOOP], { stdio: 'ignore' }),
  ]
  for (const child of others) child.on('error', () => undefined) // no Python: the others burn all the same
  const burners = await Promise.all(
    cpus()
      .slice(1)
      .map(() => startBurner(NO_FRAME_POINTERS)),
  )
  const pids = [...others.map(({ pid }) => pid), ...burners.map(({ pid }) => pid)]
  const forget = pids.filter((pid) => pid !== undefined).map(endWithBench)
  return async () => {
    for (const done of forget) done()
    for (const child of others) child.kill('SIGKILL')
    await Promise.all(burners.map((burner) => burner.stop()))
    for (const { executable } of burners) rmSync(path.dirname(executable), { recursive: true, force: true })
  }
}

const TRUTH_SOURCES = path.join(ROOT, 'tests/truth/sources')
const OPTIMIZED = ['-D_GNU_SOURCE', '-O2', '-fomit-frame-pointer']

/** One process each of what hosts run: C and C++ without frame pointers, Go where the compiler is, Node with a perf map,
 *  and programs as the distribution built them: Python, Perl, openssl, xz.
 *  in  say  told what this machine has not */
export async function startMixed(say: (line: string) => void): Promise<() => Promise<void>> {
  const directory = mkdtempSync(`${tmpdir()}/flametrail-mixed-`)
  const children: ChildProcess[] = []
  const forget: (() => void)[] = []
  const run = (command: string, ...words: string[]) => {
    if (!existsSync(command)) return say(`mixed: no ${command} here, so the load is without it`)
    const child = spawn(command, words, { stdio: 'ignore' })
    children.push(child)
    if (child.pid !== undefined) forget.push(endWithBench(child.pid))
  }
  const made = (name: string) => path.join(directory, name)
  const burner = await startBurner(NO_FRAME_POINTERS)
  forget.push(endWithBench(burner.pid))
  execFileSync('g++', [...OPTIMIZED, '-o', made('sort-loop'), path.join(TRUTH_SOURCES, 'sort.cpp')])
  run(made('sort-loop'))
  const go = ['/usr/local/go/bin/go', '/usr/bin/go'].find(existsSync)
  if (go !== undefined)
    execFileSync(go, ['build', '-o', made('go-loop'), path.join(TRUTH_SOURCES, 'goroutines.go')], {
      cwd: directory,
    })
  run(made('go-loop'))
  run(process.execPath, '--perf-basic-prof', '-e', NODE_LOOP)
  run('/usr/bin/python3', '-c', PYTHON_LOOP)
  run('/usr/bin/perl', '-e', PERL_LOOP)
  run('/usr/bin/openssl', 'speed', '-seconds', '600', 'rsa2048')
  run('/usr/bin/xz', '-9', '-T1', '-c', ...Array.from({ length: 40 }, () => process.execPath))
  return async () => {
    for (const child of children) child.kill('SIGKILL')
    await burner.stop()
    for (const done of forget) done()
    for (const { pid } of children) rmSync(`/tmp/perf-${pid}.map`, { force: true })
    for (const folder of [directory, path.dirname(burner.executable)])
      rmSync(folder, { recursive: true, force: true })
  }
}

const NODE_LOOP = `
const parse = (text) => JSON.parse(text), print = (value) => JSON.stringify(value)
const rows = Array.from({ length: 500 }, (_, i) => ({ id: i, name: 'row ' + i, tags: [i, i + 1] }))
for (let text = print(rows); ; ) text = print(parse(text).sort((a, b) => a.id - b.id))`
const PYTHON_LOOP = `
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
while True:
    sorted(str(fib(18)) * 50)`
const PERL_LOOP = `
my %seen;
while (1) {
  for my $i (1 .. 1000) { $seen{$i % 97} .= 'x' x ($i % 13) }
  my @lines = sort { $a cmp $b } map { "$_ " . length $seen{$_} } keys %seen;
  %seen = () if join(',', @lines) =~ /(\\d{5,})/;
}`
