// The whole path with no part replaced: kernel tick, ring buffer, OTLP bytes, DuckDB file, query API, the built plugin
// bundles in a real Chromium, over a C program whose function names are drawn for this run and whose shares it measures
// itself.
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DiffAnswer, TreeAnswer } from '#profile/wire/query-api'
import {
  type Browser,
  callersOf,
  currentFrame,
  headerText,
  keepPicture,
  matchesText,
  openBrowser,
  openView,
  searchFor,
  viewAddress,
} from './browser.ts'
import { type Burner, type BurnerTruth, NO_WAY_UP, startBurner } from './burner.ts'
import { type Stream, sleep, startStream, stop } from './stream.ts'

// 14 s of CPU give some 7,000 samples a side: a share is right within 0.6 points (one standard error). CPU seconds, not
// those of the clock: on a busy machine the program gets only its part of them.
const FREQUENCY_HZ = 499
const PHASE_CPU_S = 14
const PHASE_MS_MAX = 60_000
const WINDOW_MS = 1_000
const THEMES = ['dark', 'light'] as const

let stream: Stream
let burner: Burner
let frameless: Burner
let browser: Browser
let selector: string
const truth: BurnerTruth[] = []
const range: { fromMs: number; toMs: number }[] = []

/** Lets the program burn and keeps the windows that lie wholly inside the phase: one that began before its end may hold
 *  samples of the next. */
async function burnPhase(end: () => Promise<BurnerTruth>): Promise<void> {
  const fromMs = Date.now()
  const cpuSeconds = burner.cpuSeconds()
  while (burner.cpuSeconds() - cpuSeconds < PHASE_CPU_S && Date.now() - fromMs < PHASE_MS_MAX)
    await sleep(250)
  range.push({ fromMs, toMs: Date.now() - WINDOW_MS })
  truth.push(await end())
}

beforeAll(async () => {
  stream = await startStream({ agent: ['--frequency', String(FREQUENCY_HZ), '--window', `${WINDOW_MS}ms`] })
  burner = await startBurner()
  await burnPhase(() => burner.nextPhase())
  frameless = await startBurner(NO_WAY_UP)
  await sleep(2 * WINDOW_MS) // the window that holds the change belongs to neither side
  await burnPhase(() => burner.stop())
  await frameless.stop()
  expect(await stop(stream.agent)).toBe(0)
  selector = `{executable="${path.basename(burner.executable)}"}`
  browser = await openBrowser(stream.url)
}, 200_000)

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]()
  await stream?.[Symbol.asyncDispose]()
})

const side = (phase: number) => ({ query: selector, from: range[phase]!.fromMs, to: range[phase]!.toMs })

/** Share of a function's own time, callees included or not, in the program's truth. */
function trueShare({ grow, shrink, syscall }: BurnerTruth, of: 'grow' | 'shrink' | 'syscall'): number {
  return { grow, shrink, syscall }[of] / (grow + shrink + syscall)
}

describe('the flame graph panel', () => {
  it('finds the functions by search, in the right nesting', async () => {
    const { page } = browser
    await openView(page, viewAddress(stream.url, 'flame', { ...side(0), theme: 'dark' }))
    expect(await headerText(page)).toMatch(/samples/)
    for (const leaf of [burner.names.grow, burner.names.shrink, burner.names.syscall]) {
      await searchFor(page, leaf)
      expect(await matchesText(page)).toMatch(/1 of \d+ frames?, \d+(\.\d+)? % of this view|\d+ of \d+/)
      expect(await callersOf(page, 'ArrowDown', 4)).toEqual([
        leaf,
        burner.names.handle,
        burner.names.dispatch,
        'main',
      ])
    }
  })

  it('shows kernel frames on top of the function that is in a system call', async () => {
    const flame = await stream.query<TreeAnswer>('flame', { ...side(0), maxNodes: 10_000 })
    const { depth, frame, frames } = flame
    const at = depth.findIndex((_, node) => frames.name[frame[node]!] === burner.names.syscall)
    const above = frame[at + 1]!
    expect(depth[at + 1]).toBe(depth[at]! + 1)
    expect(frames.strings[frames.kind[above]!]).toBe('kernel')
    // The same in the panel: up from the function is the kernel's entry.
    const { page } = browser
    await searchFor(page, burner.names.syscall)
    await page.getByRole('tree').first().focus()
    await page.keyboard.press('ArrowUp')
    const label = await currentFrame(page)
    const kernelNames = depth.flatMap((level, node) =>
      node > at && level === depth[at]! + 1 ? [frames.name[frame[node]!]!] : [],
    )
    expect(kernelNames).toContain(label.split(',')[0])
  })

  it('says in the header how many stacks end early', async () => {
    const { page } = browser
    const executable = path.basename(frameless.executable)
    await openView(
      page,
      viewAddress(stream.url, 'flame', { ...side(1), query: `{executable="${executable}"}`, theme: 'dark' }),
    )
    const [, early] = /(\d+) % of stacks end early/.exec(await headerText(page)) ?? []
    expect(Number(early)).toBeGreaterThan(90)
    // While nearly every stack of its twin with frame pointers and tables reaches the beginning of the program.
    const kept = await stream.query<TreeAnswer>('flame', side(1))
    expect(kept.meta.endEarly).toBeLessThan(0.05)
  })
})

describe('the iceberg panel', () => {
  it('shows the hot function at its base, its callers on it', async () => {
    const { page } = browser
    await openView(page, viewAddress(stream.url, 'iceberg', { ...side(1), theme: 'dark' }))
    await searchFor(page, burner.names.grow)
    const iceberg = await stream.query<TreeAnswer>('iceberg', { ...side(1), maxNodes: 10_000 })
    expect(iceberg.frames.name[iceberg.frame[1]!]).toBe(burner.names.grow) // the widest base stands first
    // Towards the base from the hot function there is only the root of the view.
    expect((await currentFrame(page)).split(',')[0]).toBe(burner.names.grow)
    await page.getByRole('tree').first().focus()
    await page.keyboard.press('ArrowUp')
    expect((await currentFrame(page)).split(',')[0]).toBe(burner.names.handle)
    await page.keyboard.press('ArrowUp')
    expect((await currentFrame(page)).split(',')[0]).toBe(burner.names.dispatch)
  })
})

describe('the diff panel', () => {
  it('marks the function as worse, within 3 points of the change the program printed', async () => {
    const change = (trueShare(truth[1]!, 'grow') - trueShare(truth[0]!, 'grow')) * 100
    expect(change).toBeGreaterThan(28)
    expect(change).toBeLessThan(38)
    const { page } = browser
    const baseline = { baselineFrom: range[0]!.fromMs, baselineTo: range[0]!.toMs }
    await openView(page, viewAddress(stream.url, 'diff', { ...side(1), ...baseline, theme: 'dark' }))
    const row = page.getByRole('row').filter({ hasText: burner.names.grow }).first()
    await row.waitFor()
    expect(await row.innerText()).toMatch(/worse/)
    // With what ran on top of it: an interrupt in the middle of a function is on its clock too.
    const shown = Number(await row.getAttribute('data-change-total-pt'))
    expect(Math.abs(shown - change), `shown ${shown}, true ${change}`).toBeLessThan(3)
    const better = page.getByRole('row').filter({ hasText: burner.names.shrink }).first()
    expect(await better.innerText()).toMatch(/better/)
    const changes = await page.getByTestId('flametrail-changes').innerText()
    expect(changes).toContain(burner.names.grow)
  })

  it('answers the same over the query API', async () => {
    const diff = await stream.query<DiffAnswer>('diff', { baseline: side(0), comparison: side(1) })
    const share = (self: readonly number[], total: readonly number[]) =>
      self.reduce(
        (sum, value, node) => sum + (diff.frames.name[diff.frame[node]!] === burner.names.grow ? value : 0),
        0,
      ) / total[0]!
    const before = share(diff.baselineSelf, diff.baselineTotal)
    const after = share(diff.comparisonSelf, diff.comparisonTotal)
    expect(Math.abs(before - trueShare(truth[0]!, 'grow'))).toBeLessThan(0.03)
    expect(Math.abs(after - trueShare(truth[1]!, 'grow'))).toBeLessThan(0.03)
  })
})

describe('the pictures', () => {
  it.each(
    THEMES.flatMap((theme) => (['flame', 'iceberg', 'diff'] as const).map((view) => [view, theme] as const)),
  )('of %s in %s are drawn without a word from outside', async (view, theme) => {
    const { page, complaints } = browser
    const baseline = view === 'diff' ? { baselineFrom: range[0]!.fromMs, baselineTo: range[0]!.toMs } : {}
    await openView(page, viewAddress(stream.url, view, { ...side(1), ...baseline, theme }))
    await sleep(500)
    await keepPicture(page, `${view}-${theme}`)
    expect(complaints).toEqual([])
  })
})
