// How fast is the flame graph drawn, beside the best known others, on the same tree in the same Chromium? Zoom and hover are
// what the page's main thread works for them (script, style, layout and paint, by Chromium's own books), so that what a
// component leaves for later counts too.
import path from 'node:path'
import type { Page } from 'playwright-core'
import { launchChromium } from '../tests/browser/chromium.ts'
import type { Bench, BenchInput } from './bench.ts'
import { median } from './figures.ts'
import { ROOT } from './machine.ts'

const SIZES = { '10k': 10_000, '100k': 100_000, '500k': 500_000 }
const COMPONENTS = ['ours', 'd3-flame-graph'] as const
const REPEATS = 5
const HOVERS = 50

export const benchFlamegraph: Bench = {
  workload:
    'a seeded tree with hot paths of 10,000, 100,000 and 500,000 nodes, depth 60, 5,000 names, in 1400 × 800 pixels of headless Chromium ' +
    'with software raster; d3-flame-graph 5.0.0 without transitions, frames below a pixel and tooltip (ours has one); medians of ' +
    `${REPEATS}, hover the 95th percentile of ${HOVERS} moves; grafana-flamegraph is not measured: @grafana/flamegraph 13 wants another set of @grafana packages than this plugin is built with`,
  async measure(input) {
    const browser = await launchChromium()
    try {
      const page = await browser.newPage({ viewport: { width: 1_440, height: 860 } })
      const broken: string[] = []
      page.on('pageerror', (error) => broken.push(error.message))
      await page.setContent(
        '<!doctype html><style>body{margin:0}#root{width:1400px;height:800px;overflow:auto}</style><div id="root"></div>',
      )
      await page.addScriptTag({ path: path.join(ROOT, 'build/bench-page/page.js') })
      const busyMs = await openBusy(page)
      for (const [size, nodes] of Object.entries(SIZES)) {
        await page.evaluate((count) => window.bench.make(count), nodes)
        for (const which of COMPONENTS) {
          input.say(`flamegraph: ${size} ${which}`)
          await measureComponent({ page, busyMs, input, which, name: `${size}/${which}` })
          if (broken.length > 0) throw new Error(`${which} broke the page: ${broken[0]}`)
        }
      }
    } finally {
      await browser.close()
    }
  },
}

interface ComponentInput {
  readonly page: Page
  readonly busyMs: Busy
  readonly input: BenchInput
  readonly which: (typeof COMPONENTS)[number]
  readonly name: string
}

async function measureComponent({ page, busyMs, input, which, name }: ComponentInput): Promise<void> {
  const emit = (metric: string, value: number) =>
    input.emit({ case: name, metric, value, unit: 'ms', better: 'lower' })
  const draws: number[] = []
  for (let i = 0; i < REPEATS; i++) {
    if (i > 0) await page.evaluate(() => window.bench.remove())
    await settle(page)
    draws.push(await page.evaluate((one) => window.bench.draw(one), which))
  }
  emit('first_draw', median(draws))
  await settle(page)
  const idle: number[] = []
  for (let i = 0; i < REPEATS; i++) idle.push(await busyMs(() => page.evaluate(() => undefined)))
  const nothingMs = median(idle)

  const zooms: number[] = []
  for (let i = 0; i < REPEATS; i++) {
    zooms.push((await busyMs(() => page.evaluate(() => window.bench.zoom(true)))) - nothingMs)
    await busyMs(() => page.evaluate(() => window.bench.zoom(false)))
  }
  emit('zoom', median(zooms))

  const baseY = await page.evaluate(() => window.bench.baseY())
  const hovers: number[] = []
  for (let i = 0; i < HOVERS; i++) {
    // Over the ten rows at the base, in steps that meet all of the width.
    const x = 20 + ((i * 613) % 1_360)
    const y = baseY - 10 - ((i * 37) % 200)
    hovers.push((await busyMs(() => page.mouse.move(x, y))) - nothingMs)
  }
  hovers.sort((one, other) => one - other)
  emit('hover', Math.max(0, hovers[Math.ceil(HOVERS * 0.95) - 1]!))
  await page.evaluate(() => window.bench.remove())
}

/** Milliseconds of CPU that the main thread took from an action until three frames later. */
type Busy = (action: () => Promise<unknown>) => Promise<number>

async function openBusy(page: Page): Promise<Busy> {
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
const settle = (page: Page) =>
  page.evaluate(async () => {
    for (let i = 0; i < 3; i++)
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  })
