// How fast is the flame graph drawn, beside the best known others, on the same tree in the same Chromium?
// flamegraph-measure.ts says what is timed; each page holds components that live with one set of libraries.
import path from 'node:path'
import type { Page } from 'playwright-core'
import { launchChromium } from '../tests/browser/chromium.ts'
import type { Bench } from './bench.ts'
import {
  type Busy,
  type Component,
  HOVERS,
  measureComponent,
  openBusy,
  PAGE_HTML,
  REPEATS,
} from './flamegraph-measure.ts'
import { buildGrafanaPage, GRAFANA_STAND, openGrafana } from './grafana-flamegraph.ts'
import { ROOT } from './machine.ts'

const SIZES = { '10k': 10_000, '100k': 100_000, '500k': 500_000 }
const VIEWPORT = { width: 1_440, height: 860 }

export const benchFlamegraph: Bench = {
  workload:
    'a seeded tree with hot paths of 10,000, 100,000 and 500,000 nodes, depth 60, 5,000 names, in 1400 × 800 pixels of headless Chromium ' +
    'with software raster; d3-flame-graph 5.0.0 without transitions, frames below a pixel and tooltip (ours has one); ' +
    `${GRAFANA_STAND}; medians of ${REPEATS}, hover the 95th percentile of ${HOVERS} moves`,
  async measure(input) {
    const hasGrafana = await buildGrafanaPage(input.say)
    const browser = await launchChromium()
    try {
      const own = await browser.newPage({ viewport: VIEWPORT })
      const stands = [await openStand(own, await openOurs(own))]
      if (hasGrafana) {
        const theirs = await browser.newPage({ viewport: VIEWPORT })
        stands.push(await openStand(theirs, [await openGrafana(theirs)]))
      }
      for (const [size, nodes] of Object.entries(SIZES)) {
        for (const { page, components, busyMs, broken } of stands) {
          await page.evaluate((count) => window.bench.make(count), nodes)
          for (const component of components) {
            input.say(`flamegraph: ${size} ${component.name}`)
            const name = `${size}/${component.name}`
            await measureComponent({ component, busyMs, emit: input.emit, name })
            if (broken.length > 0) throw new Error(`${component.name} broke the page: ${broken[0]}`)
          }
        }
      }
    } finally {
      await browser.close()
    }
  },
}

/** A page with what is measured on it. */
interface Stand {
  readonly page: Page
  readonly components: readonly Component[]
  readonly busyMs: Busy
  /** What the page threw so far. */
  readonly broken: readonly string[]
}

async function openStand(page: Page, components: readonly Component[]): Promise<Stand> {
  const broken: string[] = []
  page.on('pageerror', (error) => broken.push(error.message))
  return { page, components, busyMs: await openBusy(page), broken }
}

/** The page of flamegraph-page.tsx: ours, and d3-flame-graph, which brings no library that ours has too. */
async function openOurs(page: Page): Promise<Component[]> {
  await page.setContent(PAGE_HTML)
  await page.addScriptTag({ path: path.join(ROOT, 'build/bench-page/page.js') })
  return ['ours', 'd3-flame-graph'].map((name) => ({
    name,
    page,
    zoomIn: () => page.evaluate(() => window.zoom(true)),
    nothing: () => page.evaluate(() => undefined),
    zoomOut: () => page.evaluate(() => window.zoom(false)),
  }))
}
