// `flametrail record` on the real kernel: a program whose functions and shares are known, the same recording in several
// formats, a second reader's opinion of pprof, and every way in which nothing comes.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mergeProfiles } from '#profile/model/merge-profiles'
import { printFolded } from '#profile/wire/folded'
import { decodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { limitsOf } from '../../backend/limits.ts'
import { cgroupMount } from '../../bpf-agent/parts.ts'
import { launchChromium } from '../browser/chromium.ts'
import { type Burner, startBurner } from './burner.ts'
import { eventually, finish, flametrail, program, start } from './stream.ts'

const work = mkdtempSync(path.join(tmpdir(), 'flametrail-e2e-record-'))
const at = (name: string) => path.join(work, name)
const read = (name: string) => readFileSync(at(name), 'utf8')
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Folded lines as stack → samples. */
const stacksOf = (folded: string) =>
  new Map(
    folded
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
const sum = (stacks: ReadonlyMap<string, number>) =>
  [...stacks.values()].reduce((total, one) => total + one, 0)

const FILES = ['a.folded', 'a.pb.gz', 'a.otlp', 'a.svg', 'a.html']

describe('a program whose truth is known', () => {
  let burner: Burner
  let said = ''
  let truth: Awaited<ReturnType<Burner['stop']>>
  beforeAll(async () => {
    burner = await startBurner()
    // It listens to signals once it burns.
    await eventually('the program burns', 20_000, () => (burner.cpuSeconds() > 0.2 ? true : undefined))
    await burner.nextPhase() // from here on its shares are 2/3, 1/6, 1/6
    const names = FILES.flatMap((name) => ['-o', at(name)])
    const run = await flametrail('record', '--pid', String(burner.pid), '-d', '5', '-F', '199', ...names)
    truth = await burner.stop()
    expect(run.code, run.stderr).toBe(0)
    said = run.stdout + run.stderr
  })

  it('is recorded with its shares, its callers and nothing else', () => {
    const stacks = stacksOf(read('a.folded'))
    const { names } = burner
    const samplesOf = (name: string) =>
      sum(new Map([...stacks].filter(([stack]) => stack.split(';').includes(name))))
    const all = truth.grow + truth.shrink + truth.syscall
    expect(sum(stacks)).toBeGreaterThan(200)
    for (const leaf of ['grow', 'shrink', 'syscall'] as const)
      expect(Math.abs(samplesOf(names[leaf]) / sum(stacks) - truth[leaf] / all)).toBeLessThan(0.06)
    expect(samplesOf(names.dispatch) / sum(stacks)).toBeGreaterThan(0.9)
    const hot = [...stacks.keys()].filter((stack) => stack.endsWith(`;${names.grow}`))
    expect(hot.some((stack) => stack.endsWith(`main;${names.dispatch};${names.handle};${names.grow}`))).toBe(
      true,
    )
  })

  it('is shown in the terminal, hottest first, and every file is named', () => {
    const rows = said.split('\n')
    expect(rows[0]).toMatch(/^function +binary +self +total$/)
    expect(rows[1]).toContain(burner.names.grow)
    expect(said).toMatch(/\d+ samples in 5\.\d s at 199 Hz; \d+ of other processes filtered/)
    for (const name of FILES) expect(said).toContain(`wrote ${at(name)}, `)
    expect(readdirSync(work).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('opens as a page from a file, without a network, and finds its functions', async () => {
    const seen = await look('a.html', async (page) => {
      await page.getByRole('searchbox').fill(burner.names.grow)
      const found = await page.locator('#matches').innerText()
      await page.keyboard.press('Enter') // zooms to the widest match
      return { found, title: await page.title() }
    })
    expect(seen.found).toMatch(/^\d+ frames?, \d+\.\d % of the whole$/)
    expect(seen.title).toContain(`PID ${burner.pid} (`)
  })

  it('is the same in OTLP', () => {
    const request = decodeOtlpProfiles(readFileSync(at('a.otlp')), {
      limits: limitsOf(),
      receivedMs: Date.now(),
    })
    if (!request.ok) throw new Error(request.error.message)
    const inOtlp = stacksOf(printFolded(mergeProfiles(request.value.profiles)))
    expect([...inOtlp].sort()).toEqual([...stacksOf(read('a.folded'))].sort())
  })

  const go = findGo()
  it.skipIf(go === undefined)('says the same to go tool pprof, which needs Go to be here', () => {
    const raw = execFileSync(go!, ['tool', 'pprof', '-symbolize=none', '-raw', at('a.pb.gz')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, PPROF_TMPDIR: work },
    })
    const ofGo = stacksOfRaw(raw)
    const ours = stacksOf(read('a.folded'))
    expect(sum(ofGo)).toBe(sum(ours))
    const drawn = [...ours].sort(() => Math.random() - 0.5).slice(0, 5)
    for (const [stack, samples] of drawn) expect([stack, ofGo.get(stack)]).toEqual([stack, samples])
  })
})

describe('a command', () => {
  it('is followed into what it begins; its end is the end, its exit code is told', async () => {
    const loop = 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done'
    const words = [
      '-F',
      '199',
      '-o',
      at('b.folded'),
      '--',
      'sh',
      '-c',
      `sh -c '${loop}; true' & wait; exit 3`,
    ]
    const { code, stderr } = await flametrail('record', ...words)
    expect(code, stderr).toBe(0)
    expect(stderr).toContain('the command ended with 3')
    expect(sum(stacksOf(read('b.folded')))).toBeGreaterThan(10)
  })

  it('is ended with us when somebody stops the recording, which keeps what it has', async () => {
    const script = `echo $$ > ${at('pid')}; while :; do :; done`
    const words = ['record', '-o', at('c.folded'), '--', 'sh', '-c', script]
    const run = start([process.execPath, program('cli'), ...words])
    while (!readdirSync(work).includes('pid')) await new Promise((resolve) => setTimeout(resolve, 50))
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    run.child.kill('SIGINT')
    expect(await run.ended, run.stderr()).toBe(0)
    expect(run.stderr()).toContain('the command was ended by SIGTERM')
    expect(sum(stacksOf(read('c.folded')))).toBeGreaterThan(20)
    expect(() => process.kill(Number(read('pid')), 0)).toThrow('ESRCH')
  })
})

describe('a cgroup', () => {
  const mount = cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'))
  it.skipIf(mount === undefined)(
    'is sampled with those in it, if cgroups of version 2 are mounted',
    async () => {
      const name = `flametrail-record-${process.pid}`
      const inner = `${mount}/${name}/inner`
      mkdirSync(inner, { recursive: true })
      const burn = spawn('sh', ['-c', `echo $$ > ${inner}/cgroup.procs; while :; do :; done`], {
        stdio: 'ignore',
      })
      const burnEnd = new Promise((resolve) => burn.once('close', resolve))
      try {
        const { code, stderr } = await flametrail('record', '-d', '2', '--cgroup', name, '-o', at('g.folded'))
        expect(code, stderr).toBe(0)
        expect(sum(stacksOf(read('g.folded')))).toBeGreaterThan(50)
        expect(read('g.folded')).not.toContain('node')
      } finally {
        burn.kill('SIGKILL')
        await burnEnd
        rmdirSync(inner)
        rmdirSync(`${mount}/${name}`)
      }
    },
  )
})

describe('nothing comes', () => {
  const refused = async (sentence: RegExp, code: number, ...words: string[]) => {
    const file = at('none.folded')
    const run = await flametrail('record', '-d', '1', '-o', file, ...words)
    expect(run.stderr).toMatch(sentence)
    expect(run.stderr).not.toMatch(/\n\s+at /) // no stack trace
    expect([run.code, run.stdout]).toEqual([code, ''])
    expect(readdirSync(work).filter((name) => name.startsWith('none'))).toEqual([])
  }

  it('from an idle process', async () => {
    const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      await refused(
        /no samples of PID \d+ \(sleep\) in 1\.\d s .*it was idle/,
        1,
        '--pid',
        String(sleeper.pid),
      )
    } finally {
      sleeper.kill()
    }
  })
  it('from a wrong PID', () => refused(/--pid 4194305: no process has this PID here/, 1, '--pid', '4194305'))
  it('from a PID that is none', () => refused(/--pid nginx: a PID is a number/, 2, '--pid', 'nginx'))
  it('from a command that does nothing', () =>
    refused(/the command ended with 0 before it had used 1000 ms/, 1, '-F', '1', '--', 'true'))
  it('from a command that is not there', () => refused(/cannot run \/no\/such: /, 1, '--', '/no/such'))
  it('from a cgroup that is not there', () =>
    refused(/--cgroup \/no\/such\.slice: /, 2, '--cgroup', '/no/such.slice'))
  it('from words without --', () => refused(/takes no words but a command after --/, 2, 'make'))
  it('into a format that there is not', async () => {
    const run = await flametrail('record', '-o', at('x.png'))
    expect([run.code, run.stdout]).toEqual([2, ''])
    expect(run.stderr).toMatch(/the name must end in .*\.svg/)
  })
  it('without the right to sample', async () => {
    const powerless = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
    const words = ['record', '-d', '1', '-o', at('none.folded')]
    const run = await finish([...powerless, process.execPath, program('cli'), ...words])
    expect([run.code, run.stdout]).toEqual([1, ''])
    expect(run.stderr).toMatch(/CAP_BPF|BPF/)
    expect(readdirSync(work).filter((name) => name.startsWith('none'))).toEqual([])
  })
})

describe('names chosen by an enemy', () => {
  const FUNCTION = '<img src=x onerror=alert(1)>"\'&]]>'
  const FILE = '<script>1<b>&"\''
  it('are text in every picture', async () => {
    const source = at('hostile.c')
    const executable = at(FILE)
    writeFileSync(
      source,
      `#include <sys/prctl.h>
       __attribute__((noinline)) void burn(void) { volatile unsigned long cell[4] = {0}; for (;;) cell[0]++; }
       int main(void) { prctl(PR_SET_NAME, "<i onload=1>\\"'"); burn(); return 0; }`,
    )
    execFileSync('gcc', ['-O0', '-fno-omit-frame-pointer', '-o', at('hostile'), source])
    execFileSync('objcopy', ['--redefine-sym', `burn=${FUNCTION}`, at('hostile'), executable])
    const pictures = ['h.svg', 'h.html'].flatMap((name) => ['-o', at(name)])
    const words = ['-d', '1', '-o', at('h.folded'), ...pictures, '--title', FUNCTION, '--', executable]
    const { code, stderr } = await flametrail('record', ...words)
    expect(code, stderr).toBe(0)
    expect(read('h.folded')).toContain(FUNCTION)
    const svg = read('h.svg')
    expect(svg).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(svg).not.toMatch(/<(img|script|foreignObject|b|i)\b/i)
    expect(svg.match(/<[^>]*\son\w+\s*=/gi)).toBeNull()
    // What a browser makes of them: text, no element of the enemy's, no dialog, no request.
    for (const picture of ['h.svg', 'h.html']) {
      const seen = await look(picture, async (page) => ({
        elements: await page.locator('img, b, i, parsererror').count(),
        text: await page.evaluate(() => document.documentElement.textContent),
      }))
      expect([picture, seen.elements]).toEqual([picture, 0])
      expect(seen.text).toContain('<img src=x onerror=alert(1)>')
    }
  })
})

/** Opens a picture from its file in Chromium with the network off; a complaint, a dialog or a request fails. */
async function look<T>(name: string, see: (page: Page) => Promise<T>): Promise<T> {
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) complaints.push(request.url())
    })
    await page.context().setOffline(true)
    await page.goto(pathToFileURL(at(name)).href)
    const seen = await see(page)
    expect(complaints).toEqual([])
    return seen
  } finally {
    await browser.close()
  }
}

function findGo(): string | undefined {
  for (const candidate of ['go', '/usr/local/go/bin/go'])
    try {
      execFileSync(candidate, ['version'], { stdio: 'ignore' })
      return candidate
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  return undefined
}

/** What `go tool pprof -raw` prints, as folded stacks: samples as `count nanoseconds: leaf … root`, locations by number. */
function stacksOfRaw(raw: string): Map<string, number> {
  const lines = raw.split('\n')
  const names = new Map<string, string[]>()
  let open: string[] = []
  for (const line of lines.slice(lines.indexOf('Locations') + 1, lines.indexOf('Mappings'))) {
    const [, id, address, rest] = /^\s*(\d+): (0x[0-9a-f]+) (?:M=\d+ )?(.*)$/.exec(line) ?? []
    if (id !== undefined) {
      open = []
      names.set(id, open)
    }
    const name = /^\s*(.+?) \S*:\d+:\d+ s=\d+/.exec(rest ?? line)?.[1]
    if (name !== undefined) open.push(name.replace(/\(.*\)$/, ''))
    else if (address !== undefined) open.push(address)
  }
  const stacks = new Map<string, number>()
  for (const line of lines) {
    const [, count, ids] = /^\s+(\d+)\s+\d+: ([\d ]+)$/.exec(line) ?? []
    if (ids === undefined) continue
    const stack = ids
      .trim()
      .split(' ')
      .flatMap((id) => names.get(id)!)
      .reverse()
      .join(';')
    stacks.set(stack, (stacks.get(stack) ?? 0) + Number(count))
  }
  return stacks
}
