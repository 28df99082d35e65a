// A C program that wishes the agent harm, in one way per word. Each burns some CPU besides, since only who is sampled is
// read. Bounded everywhere: the machine must survive it, and its parent's end ends it.
//
//   map FILE PAGES        maps so much of a file executable, and runs in its second page if there is code that burns
//   mappings N FILE       maps N single pages of it, each a mapping of its own
//   jit                   runs generated code that lies in no file
//   names                 calls itself by what terminals, pages and parsers might choke on, a hundred times a second
//   threads N             N threads, each with a name of its own
//   forks N SECONDS       N children a second, which end at once
//   swaps A B             maps two libraries by turns at one address, two hundred times a second
//   rewrites FILE A B     overwrites a file by A and B by turns, cutting it in between, while another maps it
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

export interface Villain {
  readonly pid: number
  readonly child: ChildProcess
  /** Its first line: "ready", or where its generated code lies. */
  readonly said: string
  stop(): Promise<void>
}
export interface Villains {
  /** For what they need, and removed with them. */
  readonly folder: string
  /** Starts one in its way; resolves once it says that it has done what takes time.
   *  in  words  as above */
  start(...words: readonly (string | number)[]): Promise<Villain>
  stopAll(): Promise<void>
  end(): Promise<void>
}

/** Compiles the program with gcc; none runs yet. */
export function createVillains(): Villains {
  const folder = mkdtempSync(path.join(tmpdir(), 'flametrail-villain-'))
  const executable = path.join(folder, 'villain')
  writeFileSync(`${executable}.c`, SOURCE)
  execFileSync('gcc', ['-O2', '-fomit-frame-pointer', '-pthread', '-o', executable, `${executable}.c`])
  const living = new Set<Villain>()

  async function start(...words: readonly (string | number)[]): Promise<Villain> {
    const child = spawn(executable, words.map(String), { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
    const villain = {
      ...{ pid: child.pid!, child, said: '' },
      async stop() {
        child.kill('SIGKILL')
        await ended
        living.delete(villain)
      },
    }
    living.add(villain)
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout! }).once('line', (line) => {
        villain.said = line
        resolve()
      })
      child.once('close', (code) => reject(new Error(`villain ${words.join(' ')} ended with ${code}`)))
    })
    return villain
  }

  const stopAll = async () => {
    for (const villain of [...living]) await villain.stop()
  }

  return {
    ...{ folder, start, stopAll },
    async end() {
      await stopAll()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const SOURCE = String.raw`
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sink;

/* A tenth of a core, so that ten of us leave something for others. */
static void burn(int ms) {
  struct timespec start, now, pause = {0, 9000000L * ms};
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    for (int i = 0; i < 10000; i++) sink += i * sink;
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
  nanosleep(&pause, NULL);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}
static void ready(void) {
  puts("ready");
  fflush(stdout);
}
static int opened(const char *file) {
  int fd = open(file, O_RDONLY);
  if (fd < 0) fail(file);
  return fd;
}

/* mov ecx, 1000000; loop; ret */
static const unsigned char code[] = {0xb9, 0x40, 0x42, 0x0f, 0x00, 0xff, 0xc9, 0x75, 0xfc, 0xc3};

static void map_file(const char *file, long pages) {
  char *at = mmap(NULL, pages * 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_NORESERVE, opened(file), 0);
  if (at == MAP_FAILED) fail("mmap");
  ready();
  if (pages < 2 || memcmp(at + 4096, code, sizeof code)) for (;;) burn(10);
  for (;;) {
    for (int i = 0; i < 10; i++) ((void (*)(void))(at + 4096))();
    usleep(50000);
  }
}

/* Page 0 again and again: neighbours that do not follow each other in the file are not joined. */
static void many_mappings(long n, const char *file) {
  int fd = opened(file);
  char *at = mmap(NULL, n * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  for (long i = 0; i < n; i++)
    if (mmap(at + i * 4096, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) fail("mmap");
  ready();
  for (;;) burn(10);
}

static void jit(void) {
  void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(at, code, sizeof code);
  fprintf(stdout, "%lx\n", (unsigned long)at);
  fflush(stdout);
  for (;;) {
    for (int i = 0; i < 10; i++) ((void (*)(void))at)();
    usleep(50000);
  }
}

static void names(void) {
  static const char *const names[] = {"\x1b[2J\x1b]0;owned\a", "<img src=x>", "\xe2\x80\xaetxt.exe", "\xff\xfe\xfd\xc0\xc1", "a\nb\rc\td", "\"}\n# x 1", "'; DROP --", "..\\..//.."};
  ready();
  for (unsigned i = 0;; i++) {
    prctl(PR_SET_NAME, names[i % 8]);
    burn(2);
  }
}

static void *thread(void *number) {
  char name[16];
  snprintf(name, sizeof name, "t%ld", (long)number);
  prctl(PR_SET_NAME, name);
  for (;;) {
    for (int i = 0; i < 20000; i++) sink += i * sink;
    usleep(2000000);
  }
  return NULL;
}
static void threads(long n) {
  pthread_attr_t attr;
  pthread_t made;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 65536);
  for (long i = 0; i < n; i++)
    if (pthread_create(&made, &attr, thread, (void *)i) != 0) fail("pthread_create");
  ready();
  for (;;) burn(10);
}

static void forks(long n, long seconds) {
  signal(SIGCHLD, SIG_IGN);
  ready();
  for (long i = 0; i < n * seconds; i++) {
    pid_t child = fork();
    if (child == 0) {
      for (int k = 0; k < 20000; k++) sink += k * sink;
      _exit(0);
    }
    if (child > 0) usleep(1000000 / n);
    else usleep(10000);
  }
  for (;;) burn(10);
}

static void swaps(const char *one, const char *other) {
  int fds[2] = {opened(one), opened(other)};
  char *at = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ready();
  for (unsigned i = 0;; i++) {
    if (mmap(at, 1 << 16, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fds[i & 1], 0) == MAP_FAILED) fail("mmap");
    burn(1);
  }
}

static void *slurp(const char *file, size_t *length) {
  struct stat st;
  int fd = opened(file);
  fstat(fd, &st);
  void *bytes = malloc(st.st_size);
  *length = read(fd, bytes, st.st_size);
  return bytes;
}
static void rewrites(const char *file, const char *one, const char *other) {
  size_t length[2];
  void *bytes[2] = {slurp(one, &length[0]), slurp(other, &length[1])};
  int fd = open(file, O_RDWR | O_CREAT, 0755);
  if (fd < 0) fail(file);
  pwrite(fd, bytes[0], length[0], 0);
  if (mmap(NULL, 1 << 16, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED) fail("mmap");
  ready();
  for (unsigned i = 0;; i++) {
    ftruncate(fd, length[i & 1] / 3);
    burn(1);
    pwrite(fd, bytes[i & 1], length[i & 1], 0);
    burn(1);
  }
}

int main(int argc, char **argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const char *way = argc > 1 ? argv[1] : "";
  if (!strcmp(way, "map")) map_file(argv[2], atol(argv[3]));
  if (!strcmp(way, "mappings")) many_mappings(atol(argv[2]), argv[3]);
  if (!strcmp(way, "jit")) jit();
  if (!strcmp(way, "names")) names();
  if (!strcmp(way, "threads")) threads(atol(argv[2]));
  if (!strcmp(way, "forks")) forks(atol(argv[2]), atol(argv[3]));
  if (!strcmp(way, "swaps")) swaps(argv[2], argv[3]);
  if (!strcmp(way, "rewrites")) rewrites(argv[2], argv[3], argv[4]);
  return 2;
}
`
