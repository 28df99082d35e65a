// A real Chromium on the built viewer, and the words a user sees in it. Every request that leaves the backend's origin is
// aborted and reported: the product must work offline.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { CHROMIUM } from '../browser/chromium.ts'
import { root } from './stream.ts'

export interface Browser extends AsyncDisposable {
  readonly page: Page
  /** Addresses asked for beyond `origin`, and errors of the page. */
  readonly complaints: string[]
}

export async function openBrowser(origin: string): Promise<Browser> {
  const profile = mkdtempSync(path.join(tmpdir(), 'flametrail-chromium-'))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    ...CHROMIUM,
    viewport: { width: 1400, height: 900 },
  })
  const page = context.pages()[0] ?? (await context.newPage())
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`))
  await context.route('**/*', (route) => {
    const url = route.request().url()
    if (url.startsWith(origin) || url.startsWith('data:') || url.startsWith('blob:')) return route.continue()
    complaints.push(`asked for ${url}`)
    return route.abort()
  })
  return {
    page,
    complaints,
    async [Symbol.asyncDispose]() {
      await context.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

/** Address of a view of the viewer; times are absolute epoch ms. */
export function viewAddress(
  url: string,
  view: 'flame' | 'iceberg' | 'diff',
  parameters: Readonly<Record<string, string | number>>,
): string {
  const search = new URLSearchParams({ view })
  for (const [name, value] of Object.entries(parameters)) search.set(name, String(value))
  return `${url}/?${search}`
}

/** Opens a view and waits until its graph stands. */
export async function openView(page: Page, address: string): Promise<void> {
  await page.goto(address)
  await page.getByRole('tree').first().waitFor({ timeout: 30_000 })
}

export const headerText = (page: Page) => page.getByTestId('flametrail-header').first().innerText()

/** Types into the search box and selects the first match by Enter. */
export async function searchFor(page: Page, text: string): Promise<void> {
  const box = page.getByRole('searchbox').first()
  await box.fill(text)
  await page.getByTestId('flametrail-matches').first().waitFor()
  await box.press('Enter')
}

export const matchesText = (page: Page) => page.getByTestId('flametrail-matches').first().innerText()

/** What a screen reader says of the frame that is selected: "name, 34.2 %, 278 s CPU, self 1.1 %". */
export async function currentFrame(page: Page): Promise<string> {
  const tree = page.getByRole('tree').first()
  const id = await tree.getAttribute('aria-activedescendant')
  if (id === null) throw new Error('no frame is selected')
  return (await page.locator(`#${CSS_ESCAPE(id)}`).getAttribute('aria-label')) ?? ''
}
const CSS_ESCAPE = (id: string) => id.replaceAll(/[^a-zA-Z0-9_-]/g, (char) => `\\${char}`)

/** Walks from the selected frame to the root: names as announced, the selected one first.
 *  In a flame graph the caller lies below, in an icicle above. */
export async function callersOf(
  page: Page,
  towardsRoot: 'ArrowDown' | 'ArrowUp',
  steps: number,
): Promise<string[]> {
  const names: string[] = []
  await page.getByRole('tree').first().focus()
  for (let step = 0; step < steps; step++) {
    const label = await currentFrame(page)
    names.push(label.split(',')[0]!)
    await page.keyboard.press(towardsRoot)
  }
  return names
}

/** Keeps a picture for people to look at: build/screenshots, or where FLAMETRAIL_SCREENSHOTS says. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const directory = process.env.FLAMETRAIL_SCREENSHOTS ?? path.join(root, 'build', 'screenshots')
  mkdirSync(directory, { recursive: true })
  await page.screenshot({ path: path.join(directory, `${name}.png`) })
}
