// What panels load when they first draw, in a real Chromium: once for all of them, from the app's folder whatever their
// own address is, and with a sentence and a second try where it does not come.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../tests/browser/chromium.ts'
import { builtViewer } from './testing/built-viewer.ts'
import { type SampleServer, startSampleServer } from './testing/sample-server.ts'
import { openContext, openPage } from './testing/test-page.ts'

let browser: Browser
let context: BrowserContext
let server: SampleServer
beforeAll(async () => {
  ;[browser, server] = await Promise.all([launchChromium(), startSampleServer(builtViewer())])
  context = await openContext(browser)
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

const isLazy = (url: URL) => url.pathname.includes('/lazy/')
const lazyName = (url: string) => new URL(url).pathname.replace(/[^/]*$/, (file) => file.split('.')[0]!)

describe('the lazy parts', () => {
  it('come once for all three panels', async () => {
    const { page, complaints } = await openPage(context, server.url)
    const asked: string[] = []
    page.on('request', (request) => {
      const url = request.url()
      if (isLazy(new URL(url))) asked.push(lazyName(url))
    })
    await page.goto(server.url)
    await page.getByRole('tree').waitFor()
    await page.getByRole('tab', { name: 'Iceberg' }).click()
    await page.getByText('functions by their own time').waitFor()
    await page.getByRole('tab', { name: 'Diff' }).click()
    await page.getByTestId('flametrail-changes').waitFor()
    expect(asked).toEqual(['/plugin/lazy/drawing'])
    expect(complaints).toEqual([])
    await page.close()
  })

  it('are asked for again by a button, where they did not come', async () => {
    const { page } = await openPage(context, server.url)
    await page.route(isLazy, (route) => route.abort())
    await page.goto(server.url)
    const alert = page.getByRole('alert').filter({ hasText: 'part of the plugin could not be loaded' })
    expect(await alert.innerText()).toMatch(/lazy\/drawing.*install it again/s)
    await page.unroute(isLazy)
    await alert.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('tree').waitFor()
    await page.close()
  })

  it("come from the app's folder where Grafana serves each panel by its id", async () => {
    const { page } = await openPage(context, server.url)
    const served: string[] = []
    await page.route(/\/sub\/public\/plugins\//, (route) => {
      const url = route.request().url()
      const [, id, file] = /plugins\/([^/]+)\/([^?]+)/.exec(url)!
      const folder = { 'flametrail-diff-panel': 'panels/diff', 'flametrail-profiles-app': '' }[id!]
      served.push(lazyName(url))
      const body = readFileSync(path.join(builtViewer(), 'plugin', folder!, file!))
      return route.fulfill({ body, contentType: 'text/javascript' })
    })
    await page.goto(server.url)
    await page.getByRole('tree').waitFor()
    await page.evaluate(
      drawPanelOfGrafana,
      '/sub/public/plugins/flametrail-diff-panel/module.js?_cache=0.1.0',
    )
    expect(await page.locator('#alone').getByTestId('flametrail-sentence').innerText()).toMatch(
      /no data frame/,
    )
    expect(served).toEqual([
      '/sub/public/plugins/flametrail-diff-panel/module',
      '/sub/public/plugins/flametrail-profiles-app/lazy/drawing',
    ])
    await page.close()
  })
})

/** Runs in the page: what Grafana does with a panel's module. */
async function drawPanelOfGrafana(url: string) {
  // biome-ignore lint/suspicious/noExplicitAny: the page's own loader has no types here
  const { System } = window as any
  // A page of its own: what another module of this plugin has loaded is not there yet.
  ;(globalThis as unknown as { rspackChunkflametrail?: unknown }).rspackChunkflametrail = undefined
  const [{ plugin }, react, dom] = await Promise.all([
    System.import(new URL(url, document.baseURI).href),
    System.import('react'),
    System.import('react-dom'),
  ])
  const element = document.body.appendChild(document.createElement('div'))
  element.id = 'alone'
  const data = { series: [], state: 'Done' }
  const props = { data, options: plugin.defaults ?? {}, width: 600, height: 300, timeZone: 'utc', title: '' }
  dom.createRoot(element).render(react.createElement(plugin.panel, props))
}
