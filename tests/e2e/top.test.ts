// `flametrail top` on the real kernel and a real terminal: a pty made by `script`, keys as bytes, and a screen that is read
// back cell by cell.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Burner, startBurner } from './burner.ts'
import { eventually, flametrail, program, root } from './stream.ts'

const SIZE = { width: 90, height: 24 }
const LEAVE_ALTERNATE = '\u001b[?1049l'
const SHOW_CURSOR = '\u001b[?25h'

/** The sequences that the program uses, and no more: place, erase a line, erase all. */
function readScreen(bytes: string, { width, height }: { readonly width: number; readonly height: number }) {
  const screen = Array.from({ length: height }, () => Array<string>(width).fill(' '))
  let [row, column] = [0, 0]
  for (const [piece, place, command] of bytes.matchAll(/\u001b\[([?0-9;]*)([A-Za-z])|[^\u001b]/gu)) {
    if (command === 'H') [row, column] = place!.split(';').map((word) => Number(word) - 1) as [number, number]
    else if (command === 'K') screen[row]?.fill(' ', column)
    else if (command === 'J') for (const line of screen) line.fill(' ')
    else if (command === undefined && row < height && column < width) screen[row]![column++] = piece
  }
  return screen.map((line) => line.join('').trimEnd())
}

interface Session {
  readonly child: ChildProcess
  readonly ended: Promise<number>
  size: { width: number; height: number }
  bytes(): string
  screen(): readonly string[]
  press(keys: string): void
  /** PID of the program in the terminal. */
  pid(): number
}

/** Starts the program in a terminal of its own. */
function openSession(
  words: readonly string[],
  size: Session['size'],
  flags: readonly string[] = [],
): Session {
  const command = [process.execPath, ...flags, program('cli'), 'top', ...words]
    .map((word) => `'${word}'`)
    .join(' ')
  const shell = `stty rows ${size.height} cols ${size.width}; exec ${command}`
  const env = { ...process.env, TERM: 'xterm-256color' }
  const child = spawn('script', ['-qefc', shell, '/dev/null'], { cwd: root, env, stdio: 'pipe' })
  let bytes = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    bytes += chunk
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 128))
  })
  return {
    ...{ child, ended, size },
    bytes: () => bytes,
    screen() {
      return readScreen(bytes, this.size)
    },
    press: (keys) => child.stdin.write(keys),
    pid: () => Number(execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).trim()),
  }
}

let burner: Burner
let session: Session | undefined
beforeAll(async () => {
  burner = await startBurner()
  await eventually('the program burns', 20_000, () => (burner.cpuSeconds() > 0.2 ? true : undefined))
})
afterEach(() => {
  session?.child.kill('SIGKILL') // the terminal goes, and the program with it
})
afterAll(() => burner.stop())

const open = (...words: string[]) => {
  session = openSession(['--pid', String(burner.pid), '-F', '199', ...words], SIZE)
  return session
}
const shows = (what: string, at: Session, test: (lines: readonly string[]) => boolean) =>
  eventually(what, 10_000, () => (test(at.screen()) ? at.screen() : undefined)).catch((error: Error) => {
    throw new Error(`${error.message}; the screen:\n${at.screen().join('\n')}`)
  })
const row = (lines: readonly string[], name: string) => lines.findIndex((line) => line.includes(name))

describe('the live table', () => {
  it('shows who burns, obeys its keys, follows the window, and gives the terminal back', async () => {
    const { names } = burner
    const top = open()
    const first = await shows('the hot functions', top, (lines) => row(lines, names.grow) > 2)
    expect(first[0]).toMatch(/^PID \d+ \(.+\), last 10 s at 199 Hz: \d\.\d\d of \d+ cores/)
    expect(first[2]).toMatch(/^ cores +self +total +function +service +its cores$/)
    expect(top.bytes()).toContain('\u001b[?1049h')

    top.press('t')
    const byTotal = await shows('the order by total', top, (lines) => lines.at(-1)!.includes('t [total]'))
    expect(row(byTotal, names.dispatch)).toBeGreaterThan(2)
    expect(row(byTotal, names.dispatch)).toBeLessThan(row(byTotal, names.grow))

    top.press('/')
    for (const letter of names.shrink.slice(0, 10)) top.press(letter)
    const filtered = await shows('the filter', top, (lines) => row(lines, names.grow) < 0)
    expect(row(filtered, names.shrink)).toBe(3)
    expect(filtered.at(-1)).toContain(`/${names.shrink.slice(0, 10)}`)
    top.press('\u001b')
    await shows('all rows again', top, (lines) => row(lines, names.grow) > 2)

    top.press(' ')
    const paused = await shows('the pause', top, (lines) => lines[0]!.endsWith('paused'))
    await new Promise((resolve) => setTimeout(resolve, 1_300))
    expect(top.screen()).toEqual(paused)
    top.press(' ?')
    await shows('the help', top, (lines) => row(lines, 'sort by own time') > 2)
    top.press('x')
    await shows('the table again', top, (lines) => row(lines, names.grow) > 2)

    const terminal = readlinkSync(`/proc/${top.pid()}/fd/1`)
    const resize = (width: number) => {
      top.size = { width, height: 6 }
      execFileSync('stty', ['-F', terminal, 'rows', '6', 'cols', String(width)])
    }
    // On a quiet machine all rows may fit the larger window, and nothing would scroll.
    resize(SIZE.width)
    await shows('a lower window', top, (lines) => lines.length === 6 && / 1-2 of \d+$/.test(lines.at(-1)!))
    top.press('\u001b[B')
    await shows('a scrolled table', top, (lines) => / 2-\d+ of \d+$/.test(lines.at(-1)!))

    resize(60)
    await shows(
      'the smaller window',
      top,
      (lines) => lines.at(-1)!.startsWith('q quit') && lines.at(-1)!.length <= 60,
    )

    top.press('q')
    expect(await top.ended).toBe(0)
    expect(top.bytes().trimEnd().endsWith(LEAVE_ALTERNATE)).toBe(true)
    expect(top.bytes()).toContain(SHOW_CURSOR)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('gives the terminal back on %s', async (signal) => {
    const top = open()
    await shows('a first screen', top, (lines) => lines.at(-1)!.startsWith('q quit'))
    process.kill(top.pid(), signal)
    await eventually('the main screen', 10_000, () =>
      top.bytes().includes(LEAVE_ALTERNATE) ? true : undefined,
    )
    expect(await top.ended).toBe(0)
  })

  it('gives the terminal back when it crashes, and then says why', async () => {
    const fault = 'data:text/javascript,setTimeout(()=>{throw new Error("crash for a test")},1500)'
    session = openSession([], SIZE, ['--import', fault])
    expect(await session.ended).not.toBe(0)
    const bytes = session.bytes()
    expect(bytes).toContain('q quit')
    expect(bytes.slice(bytes.lastIndexOf(LEAVE_ALTERNATE))).toContain('crash for a test')
  })
})

describe('where no terminal is', () => {
  it('prints as many tables as asked for', async () => {
    const run = await flametrail('top', '--pid', String(burner.pid), '-F', '199', '-n', '2', '--limit', '5')
    expect(run.code, run.stderr).toBe(0)
    const tables = run.stdout.split('\n\n').filter((text) => text !== '')
    expect(tables).toHaveLength(2)
    for (const table of tables) {
      expect(table).toMatch(/^\d{4}-\S+Z PID \d+ /)
      expect(table.split('\n')[2]).toMatch(/^cores +self +total +function +binary +service +its cores$/)
      expect(table.split('\n')).toHaveLength(8)
      expect(table).toContain(burner.names.grow)
      expect(table).not.toContain('\u001b')
    }
  })
  it.each([
    [['{service_name="api"}'], 2, 'a selector needs --from-backend'],
    [['--from-backend', '--pid', '1'], 2, 'a backend is asked by a selector'],
    [['--backend', 'http://127.0.0.1:9', '-n', '1'], 1, 'no backend answers at http://127.0.0.1:9'],
  ])('%j is refused', async (words, code, sentence) => {
    const run = await flametrail('top', ...words)
    expect([run.code, run.stdout]).toEqual([code, ''])
    expect(run.stderr).toContain(sentence)
  })
})
