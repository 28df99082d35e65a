// One page of the system's Chromium, which may talk to one origin and remembers what it complained about.
import type { Browser, BrowserContext, Page } from 'playwright-core'

export interface TestPage {
  readonly page: Page
  /** Errors of scripts, and addresses outside of `origin` that were asked for. */
  readonly complaints: readonly string[]
}

/** What a test's browser looks like: a laptop's window, dark. One context for a file's pages, so that they share a cache. */
export function openContext(browser: Browser): Promise<BrowserContext> {
  return browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'dark' })
}

export async function openPage(context: BrowserContext, origin: string): Promise<TestPage> {
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  await page.route(
    (url) => url.origin !== origin && url.protocol.startsWith('http'),
    (route) => {
      complaints.push(`asked for ${route.request().url()}`)
      return route.abort()
    },
  )
  return { page, complaints }
}
