// The menu "Export" in a real browser: what the reader's downloads get.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OpenPage, openPage } from './testing/open-page.ts'
import type { ShowInput } from './testing/page.tsx'

let open: OpenPage
beforeAll(async () => {
  open = await openPage()
}, 60_000)
afterAll(() => open.close())

const show = (panel: ShowInput['panel'], series: string) =>
  open.page.evaluate((given) => window.show(given), {
    panel,
    series,
    width: 1240,
    height: 350,
    isDark: true,
  } as ShowInput)
const summary = () => open.page.locator('summary', { hasText: 'Export' })
async function exported(format: string): Promise<{ name: string; text: string }> {
  await summary().click()
  const [file] = await Promise.all([
    open.page.waitForEvent('download'),
    open.page.getByRole('button', { name: format, exact: true }).click(),
  ])
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') }
}

describe('the export menu', () => {
  it('hands out an SVG of the flame graph, well-formed and without a script', async () => {
    await show('flame', 'service')
    const { name, text } = await exported('SVG')
    expect(name).toBe('flametrail-flame_graph-2026-11-24_10-00-00.svg')
    const found = await open.page.evaluate((svg) => {
      const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml')
      return ['parsererror', 'script, foreignObject, image', 'g > title'].map(
        (selector) => parsed.querySelectorAll(selector).length,
      )
    }, text)
    expect(found).toEqual([0, 0, 21])
    expect(text).toContain('8,000 samples · 800 ms CPU · 2026-11-24 10:00:00 to 10:15:00')
  })

  it('hands out folded lines of an iceberg with callers first', async () => {
    await show('iceberg', 'iceberg')
    const { name, text } = await exported('Folded')
    expect(name).toBe('flametrail-iceberg-2026-11-24_10-00-00.folded')
    expect(text).toContain('main;serve;http.(*conn).serve;shop/cart.Add;spin 180000000\n')
  })

  it('hands out a diff as JSON, and offers no folded lines of it', async () => {
    await show('diff', 'diff')
    const { name, text } = await exported('JSON')
    expect(name).toBe('flametrail-diff-2026-11-24_10-00-00.json')
    expect((JSON.parse(text) as { kind: string }).kind).toBe('diff')
    await summary().click()
    expect(await open.page.locator('details[open] button').allInnerTexts()).toEqual(['SVG', 'HTML', 'JSON'])
  })

  it('hands out a page that zooms by itself, without a network', async () => {
    await show('flame', 'service')
    const { name, text } = await exported('HTML')
    expect(name).toBe('flametrail-flame_graph-2026-11-24_10-00-00.html')
    const page = await open.browser.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('pageerror', (error) => asked.push(String(error)))
    await page.setContent(text)
    const title = async () => page.locator('#graph title').allTextContents()
    expect((await title()).some((text) => text.startsWith('shop/cart.Add, 55.6 %'))).toBe(true)
    await page.getByRole('searchbox').fill('spin')
    await page.getByRole('searchbox').press('Enter')
    expect(await page.locator('#matches').innerText()).toMatch(/22\.5 %/)
    expect(asked).toEqual([])
    await page.close()
  })

  it('opens and closes by keyboard, and Esc does not leave the panel', async () => {
    await show('flame', 'service')
    await summary().focus()
    await open.page.keyboard.press('Enter')
    expect(await open.page.locator('details[open]').count()).toBe(1)
    await open.page.evaluate(() => {
      window.leaked = []
    })
    await open.page.keyboard.press('Escape')
    expect(await open.page.locator('details[open]').count()).toBe(0)
    expect(await open.page.evaluate(() => window.leaked)).toEqual([])
    await open.page.keyboard.press('Enter')
    await open.page.getByRole('searchbox').focus()
    expect(await open.page.locator('details[open]').count()).toBe(0)
    expect(open.complaints).toEqual([])
  })
})
