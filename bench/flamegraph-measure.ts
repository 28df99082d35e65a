// How is one component measured? First draws by the page's own clock; zoom and hover by what the page's main thread works for
// them (script, style, layout and paint, by Chromium's own books), so that what a component leaves for later counts too.
import type { Page } from 'playwright-core'
import type { BenchInput } from './bench.ts'
import { median } from './figures.ts'

export const REPEATS = 5
export const HOVERS = 50
const IDLES = 15 // the noise of an idle page is as large as a light hover, so that five are too few

/** What a page of the bench is before its script: the box that all components draw in. */
export const PAGE_HTML =
  '<!doctype html><style>body{margin:0}#root{width:1400px;height:800px;overflow:auto}</style><div id="root"></div>'

export interface Component {
  readonly name: string
  readonly page: Page
  /** Untimed, once, after the first draws. */
  ready?(): Promise<void>
  /** Untimed, before each zoom. */
  aim?(): Promise<void>
  zoomIn(): Promise<void>
  /** What `zoomIn` costs by itself, such as a call into the page that does nothing. */
  nothing(): Promise<void>
  zoomOut(): Promise<void>
}

interface MeasureInput {
  readonly component: Component
  readonly busyMs: Busy
  readonly emit: BenchInput['emit']
  /** Of the figures. */
  readonly name: string
}

/** Emits first_draw, zoom and hover of one component on the tree that its page holds. */
export async function measureComponent({ component, busyMs, emit, name }: MeasureInput): Promise<void> {
  const { page } = component
  const say = (metric: string, value: number) =>
    emit({ case: name, metric, value, unit: 'ms', better: 'lower' })
  await page.bringToFront()
  say('first_draw', await firstDrawMs(component))
  await component.ready?.()
  await page.evaluate(() => window.bench.base())
  await settle(page)
  const zoomNothingMs = await idleMs(busyMs, () => component.nothing())
  say('zoom', Math.max(0, (await zoomMs(component, busyMs)) - zoomNothingMs))
  const hoverNothingMs = await idleMs(busyMs, async () => {})
  say('hover', Math.max(0, (await hoverMs(page, busyMs)) - hoverNothingMs))
  await page.evaluate(() => window.bench.remove())
}

async function firstDrawMs({ page, name }: Component): Promise<number> {
  const draws: number[] = []
  for (let i = 0; i < REPEATS; i++) {
    if (i > 0) await page.evaluate(() => window.bench.remove())
    await settle(page)
    draws.push(await page.evaluate((one) => window.bench.draw(one), name))
  }
  return median(draws)
}

async function idleMs(busyMs: Busy, nothing: () => Promise<void>): Promise<number> {
  const idle: number[] = []
  for (let i = 0; i < IDLES; i++) idle.push(await busyMs(nothing))
  return median(idle)
}

async function zoomMs(component: Component, busyMs: Busy): Promise<number> {
  const zooms: number[] = []
  for (let i = 0; i < REPEATS; i++) {
    await component.aim?.()
    zooms.push(await busyMs(() => component.zoomIn()))
    await busyMs(() => component.zoomOut())
  }
  return median(zooms)
}

async function hoverMs(page: Page, busyMs: Busy): Promise<number> {
  const base = await page.evaluate(() => window.bench.base())
  await settle(page)
  const hovers: number[] = []
  for (let i = 0; i < HOVERS; i++) {
    // Over the ten rows at the base, in steps that meet all of the width.
    const x = 20 + ((i * 613) % 1_360)
    const y = base.y + base.toRows * (10 + ((i * 37) % 200))
    hovers.push(await busyMs(() => page.mouse.move(x, y)))
  }
  hovers.sort((one, other) => one - other)
  return hovers[Math.ceil(HOVERS * 0.95) - 1]!
}

/** Milliseconds of CPU that the main thread took from an action until three frames later. */
export type Busy = (action: () => Promise<unknown>) => Promise<number>

/** Opens Chromium's books of a page. */
export async function openBusy(page: Page): Promise<Busy> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const worked = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1_000 * metrics.find(({ name }) => name === 'TaskDuration')!.value
  }
  return async (action) => {
    const before = await worked()
    await action()
    await settle(page)
    return (await worked()) - before
  }
}

/** Three frames: timers that a component set for the next ones have run, and what they changed is drawn. */
export const settle = (page: Page) =>
  page.evaluate(async () => {
    for (let i = 0; i < 3; i++)
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  })
