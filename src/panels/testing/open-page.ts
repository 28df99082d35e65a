// A browser with the test page in it. Debian's Chromium; every request that leaves the page's folder is refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../../../tests/browser/chromium.ts'
import { bundlePage } from './bundle.mjs'

const HTML = `<!doctype html><meta charset="utf-8"><title>panels</title>
<style>* { box-sizing: border-box } body { margin: 0; font: 14px sans-serif }</style>
<div id="root"></div><script src="page.js"></script>`

export interface OpenPage {
  readonly page: Page
  readonly browser: Browser
  /** What the page itself complained of. */
  readonly complaints: string[]
  close(): Promise<void>
}

/** Bundles the page and opens it.    in  ratio  device pixels per CSS pixel */
export async function openPage({ ratio = 1 } = {}): Promise<OpenPage> {
  const folder = mkdtempSync(path.join(tmpdir(), 'flametrail-panels-'))
  await bundlePage(folder)
  writeFileSync(path.join(folder, 'index.html'), HTML)
  const browser = await launchChromium()
  const page = await browser.newPage({ viewport: { width: 1300, height: 860 }, deviceScaleFactor: ratio })
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  const base = pathToFileURL(folder).href
  await page.route('**', (route) =>
    route.request().url().startsWith(base) ? route.continue() : route.abort(),
  )
  await page.goto(`${base}/index.html`)
  const close = async () => {
    await browser.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { page, browser, complaints, close }
}
