// Wherever a program's code lies (static, moved, deleted, replaced, in another file system, in no file system at all),
// its functions have names. Each program says itself where its function `work` is.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import type { KernelSymbols } from '../host/kernel-symbols.ts'
import { parseMappings } from '../host/mappings.ts'
import { readStat } from '../host/proc.ts'
import { createProcesses } from '../host/processes.ts'
import { createSymbolizer } from './symbolizer.ts'
import {
  compile,
  compileGo,
  drawStacks,
  goToolchains,
  nm,
  readBytes,
  temporaryFolder,
  windowOf,
} from './testing.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const rustc = ['/usr/bin/rustc', join(process.env.HOME ?? '', '.cargo/bin/rustc')].find((path) => existsSync(path)) // biome-ignore format: one list
const isRoot = process.getuid?.() === 0
/** A namespace of mounts can be had: by root, and only where / is a mount of its own (not in a bare chroot). */
const hasMounts = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0
const HEAD = { type: CPU_SAMPLES, period: 52_631_579, timeMs: 1000, durationMs: 10_000 }
const KERNEL: KernelSymbols = {
  buildId: '',
  slide: 0,
  moduleBuildId: () => '',
  symbolAt: () => undefined,
  refresh: async () => true,
}

const PROGRAM = `
#include <stdio.h>
#include <unistd.h>
static __attribute__((noinline)) int work(int n) { return n * 3; }
int main(int argc, char **argv) {
  printf("%p\\n", (void *)work); fflush(stdout);
  pause();
  return work(argc); }`

/** Starts a program and waits for the addresses that it prints. */
async function start(path: string, parameters: readonly string[] = []) {
  const child = spawn(path, parameters, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH! },
  })
  children.push(child)
  const text = await new Promise<string>((resolve) =>
    child.stdout!.once('data', (data) => resolve(String(data))),
  )
  return { tgid: child.pid!, addresses: text.trim().split('\n').map(Number) }
}

/** One stack of one process, leaf first, as a profile. */
function profileOf(tgid: number, user: readonly number[]): Profile {
  const processes = createProcesses()
  const symbolizer = createSymbolizer({ processes, host: 'box', kernel: KERNEL })
  const { startTicks } = readStat(tgid)!
  processes.see(tgid, startTicks)
  const profile = symbolizer.profileOf(windowOf([{ tgid, startTicks, stop: 'root', user }]), HEAD)
  symbolizer.close()
  return profile
}

const nameOf = (tgid: number, address: number) =>
  drawStacks(profileOf(tgid, [address]))[0]!.replace(/ 1$/, '')

describe('names', () => {
  it.each([
    ['static', ['-static']],
    ['static and position independent', ['-static-pie']],
    ['position independent', ['-pie', '-fPIE']],
    ['at a fixed address', ['-no-pie']],
    ['with its segments far apart', ['-Wl,-z,max-page-size=0x200000']],
    ['of another linker', ['-fuse-ld=gold']],
    ['for another base address', ['-no-pie', '-Wl,-Ttext-segment=0x10000000']],
  ])('of a program: %s', async (_, flags) => {
    const { tgid, addresses } = await start(compile(PROGRAM, flags))
    expect(nameOf(tgid, addresses[0]!)).toBe('work')
  })

  it('of a program that was deleted, and another put in its place', async () => {
    const path = compile(PROGRAM)
    const { tgid, addresses } = await start(path)
    unlinkSync(path)
    copyFileSync('/bin/ls', path)
    expect(nameOf(tgid, addresses[0]!)).toBe('work')
  })

  const LIBRARY = 'int work(int n) { return n * 3; }'
  const LOADER = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char path[64], bytes[65536];
  if (argc > 2) { /* a copy that is in no file system */
    FILE *from = fopen(argv[1], "r");
    int fd = memfd_create("library", 0);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, from)) > 0;) if (write(fd, bytes, n) < 0) return 1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    argv[1] = path;
  }
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library) { fprintf(stderr, "%s\\n", dlerror()); return 1; }
  printf("%p\\n", dlsym(library, "work")); fflush(stdout);
  pause(); }`

  it.skipIf(!isRoot)('of a library that was replaced by a package manager (needs root)', async () => {
    const library = compile(LIBRARY, ['-shared', '-fPIC'])
    const { tgid, addresses } = await start(compile(LOADER, ['-ldl']), [library])
    copyFileSync('/bin/ls', `${library}.new`)
    renameSync(`${library}.new`, library)
    expect(nameOf(tgid, addresses[0]!)).toBe('work')
  })

  it.skipIf(!isRoot)('of a library that lies in memory alone (needs root)', async () => {
    const library = compile(LIBRARY, ['-shared', '-fPIC'])
    const { tgid, addresses } = await start(compile(LOADER, ['-ldl']), [library, 'copy'])
    expect(nameOf(tgid, addresses[0]!)).toBe('work')
  })

  it('of a program that was started from memory', async () => {
    const launcher = compile(`
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv, char **environment) {
  char bytes[65536];
  FILE *from = fopen(argv[1], "r");
  int fd = memfd_create("program", MFD_CLOEXEC);
  for (size_t n; (n = fread(bytes, 1, sizeof bytes, from)) > 0;) if (write(fd, bytes, n) < 0) return 1;
  return fexecve(fd, argv + 1, environment); }`)
    const { tgid, addresses } = await start(launcher, [compile(PROGRAM)])
    expect(nameOf(tgid, addresses[0]!)).toBe('work')
  })

  it('of generated code in a memory file: what the perf map says, and no file name', async () => {
    const { tgid, addresses } = await start(
      compile(`
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
  int fd = memfd_create("doublemapper", 0);
  if (ftruncate(fd, 4096)) return 1;
  printf("%p\\n", mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0)); fflush(stdout);
  pause(); }`),
    )
    expect(nameOf(tgid, addresses[0]!)).toBe('[anonymous code]')
    const map = `/tmp/perf-${tgid}.map`
    writeFileSync(map, `${addresses[0]!.toString(16)} 100 int Program::Main(string[])[Tier1]\n`)
    try {
      expect(nameOf(tgid, addresses[0]! + 8)).toBe('int Program::Main(string[])[Tier1]')
    } finally {
      unlinkSync(map)
    }
  })

  it.skipIf(!hasMounts)(
    'of a program in a file system that only it can see (needs root, and a / of its own)',
    async () => {
      const path = compile(PROGRAM)
      const place = temporaryFolder()
      const script = `mount -t tmpfs none ${place} && cp ${path} ${place}/inside && exec ${place}/inside`
      const { tgid, addresses } = await start('unshare', ['-m', 'sh', '-c', script])
      expect(nameOf(tgid, addresses[0]!)).toBe('work')
    },
  )

  it('of the vDSO, where nothing is a file', async () => {
    const { tgid } = await start(compile(PROGRAM))
    const maps = parseMappings(readBytes(`/proc/${tgid}/maps`))
    const row = maps.path.indexOf('[vdso]')
    const image = join(temporaryFolder(), 'vdso')
    const length = maps.end[row]! - maps.start[row]!
    execFileSync('dd', [`if=/proc/${tgid}/mem`, `of=${image}`, 'bs=4096', `skip=${maps.start[row]! / 4096}`, `count=${length / 4096}`], { stdio: 'ignore' }) // biome-ignore format: one command
    const { address } = nm(image, '-D').find(({ name }) => name === 'clock_gettime')!
    const profile = profileOf(tgid, [maps.start[row]! + address + 1])
    expect(drawStacks(profile)).toEqual(['clock_gettime 1'])
    expect([...profile.mappings.file].map((file) => profile.strings[file])).toEqual(['[vdso]'])
  })

  it('of the stubs of libraries', async () => {
    const path = compile(`${PROGRAM} int unused(int n) { return getppid() + n; }`, ['-no-pie', '-Wl,-z,lazy'])
    const stub = execFileSync('objdump', ['-d', path]).toString().match(/^0*([0-9a-f]+) <getppid@plt>:/m)! // biome-ignore format: one line
    const { tgid } = await start(path)
    expect(nameOf(tgid, Number.parseInt(stub[1]!, 16) + 1)).toBe('getppid@plt')
  })

  it.skipIf(rustc === undefined)('of a Rust program, demangled (needs rustc)', async () => {
    const folder = temporaryFolder()
    const source = join(folder, 'program.rs')
    writeFileSync(
      source,
      `mod net {
    #[inline(never)]
    pub fn drain<T: Into<u64>>(n: T) -> u64 { n.into() * 3 }
}
fn main() {
    println!("{}", net::drain::<u32> as fn(u32) -> u64 as usize);
    std::thread::sleep(std::time::Duration::from_secs(100));
    println!("{}", net::drain(7u32));
}
`,
    )
    execFileSync(rustc!, ['-O', '-o', join(folder, 'program'), source], { stdio: 'pipe' })
    const { tgid, addresses } = await start(join(folder, 'program'))
    expect(nameOf(tgid, addresses[0]!)).toBe('program::net::drain')
  })

  it.skipIf(goToolchains.length === 0)('of a stripped Go program, with lines and inlined calls', async () => {
    const path = compileGo(
      `package main

import (
	"fmt"
	"runtime"
	"time"
)

//go:noinline
func leaf() uintptr {
	pcs := make([]uintptr, 2)
	runtime.Callers(2, pcs)
	return pcs[0]
}

func inner() uintptr { return leaf() }

//go:noinline
func outer() uintptr { return inner() }

func main() {
	fmt.Println(outer() - 1)
	time.Sleep(time.Hour)
}
`,
      { flags: ['-ldflags=-s -w'] },
    )
    const { tgid, addresses } = await start(path)
    const { locations, lines, functions, strings, ...profile } = profileOf(tgid, [addresses[0]!])
    const location = profile.stacks.location[1]!
    const shown = Array.from(
      lines.line.subarray(locations.lineStart[location], locations.lineStart[location + 1]),
      (line, i) => {
        const row = lines.function[locations.lineStart[location]! + i]!
        return `${strings[functions.name[row]!]} ${strings[functions.file[row]!]!.split('/').at(-1)}:${line}, from ${functions.startLine[row]}`
      },
    )
    expect(shown).toEqual(['main.inner main.go:16, from 16', 'main.outer main.go:19, from 19'])
  })
})
