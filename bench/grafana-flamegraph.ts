// How is Grafana's own flame graph brought beside the others? It is bound to libraries of its own, so it is installed and
// bundled apart (grafana-flamegraph/), and driven as its users do: it has no way to zoom but its menu.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Page, Route } from 'playwright-core'
import { type Component, PAGE_HTML, settle } from './flamegraph-measure.ts'
import { ROOT } from './machine.ts'

const FIXTURE = path.join(ROOT, 'bench/grafana-flamegraph')
const ICONS = path.join(FIXTURE, 'node_modules/@grafana/ui/dist/public')

/** For the workload: what this column is and what of it is timed. */
export const GRAFANA_STAND =
  '@grafana/flamegraph 13.0.1 with @grafana/data and ui 13.0.2 and without collapsing of groups, first_draw its graph alone until its canvas is filled, ' +
  'zoom and hover its graph below its header, zoom from the click on "Focus block" in its menu, opened before (the column is left out where npm cannot install it)'

/** Installs and bundles; false, with the reason said, if that did not work. */
export async function buildGrafanaPage(say: (line: string) => void): Promise<boolean> {
  const code = await new Promise<number>((resolve, reject) => {
    // Its stdout must not mix with the figures.
    const child = spawn(process.execPath, [path.join(FIXTURE, 'build.mjs')], {
      stdio: ['ignore', 2, 'inherit'],
    })
    child.on('error', reject)
    child.on('close', (ended) => resolve(ended ?? 1))
  })
  if (code !== 0) say('flamegraph: grafana-flamegraph is left out of this run; the reason stands above')
  return code === 0
}

const HOST = 'http://flamegraph.localhost'

/** Opens the page of grafana-flamegraph-page.tsx, with the icons that its menu and header ask for; nothing else is served. */
export async function openGrafana(page: Page): Promise<Component> {
  await page.route('**/*', serve)
  await page.goto(`${HOST}/`)
  await page.addScriptTag({ path: path.join(ROOT, 'build/bench-page/grafana.js') })
  const item = page.getByRole('menuitem', { name: 'Focus block' })
  return {
    name: 'grafana-flamegraph',
    page,
    async ready() {
      await page.evaluate(() => window.grafana.showWhole())
      // The input itself is hidden behind its label.
      await page.getByRole('radio', { name: 'Flame Graph' }).check({ force: true })
      await settle(page)
    },
    async aim() {
      const { x, y } = await page.evaluate(() => window.grafana.target())
      await page.mouse.click(x, y)
      await item.hover()
      await settle(page)
    },
    async zoomIn() {
      await page.mouse.down()
      await page.mouse.up()
    },
    async nothing() {},
    async zoomOut() {
      await page.getByRole('button', { name: 'Remove focus' }).click()
      await page.mouse.move(0, 0)
    },
  }
}

function serve(route: Route): Promise<void> {
  const { origin, pathname } = new URL(route.request().url())
  if (origin !== HOST) return route.abort()
  if (pathname === '/')
    return route.fulfill({
      contentType: 'text/html',
      body: PAGE_HTML,
    })
  const icon = /^\/public\/build\/(img\/[\w/-]+\.svg)$/.exec(pathname)?.[1]
  const file = path.join(ICONS, icon ?? '')
  // Some icons of the header are missing in the package of npm; it goes without them.
  if (icon === undefined || !existsSync(file)) return route.fulfill({ status: 404 })
  return route.fulfill({ path: file, contentType: 'image/svg+xml' })
}
