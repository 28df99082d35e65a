// Exported pictures in a real browser, from files, with every request refused: what a reader sees and does.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildHtmlPage } from '../../../scripts/build-html-page.mjs'
import { launchChromium } from '../../../tests/browser/chromium.ts'
import { treeFromDrawing } from '../../testing/draw.ts'
import type { CallTree, DiffTree } from '../../tree/call-tree.ts'
import { diffTrees } from '../../tree/diff.ts'
import { invertTree } from '../../tree/invert.ts'
import { treeHtml } from '../html.ts'
import type { PictureOptions } from '../picture.ts'
import { treeSvg } from '../svg.ts'

let browser: Browser
let page: Page
let folder: string
let bundle: { readonly script: string; readonly style: string }
let complaints: string[]
let requests: string[]
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'flametrail-page-'))
  bundle = await buildHtmlPage(folder)
  browser = await launchChromium()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  await page?.close()
  page = await browser.newPage({ viewport: { width: 1032, height: 700 } })
  complaints = []
  requests = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.context().setOffline(true)
  await page.route('**', (route) => {
    const url = route.request().url()
    if (url.startsWith('file:')) return route.continue()
    requests.push(url)
    return route.abort()
  })
})

const OPTIONS: PictureOptions = {
  title: 'cart',
  subtitle: '100 samples',
  unit: 'count',
  orientation: 'icicle',
}
async function openPage(tree: CallTree | DiffTree, over: Partial<PictureOptions> = {}): Promise<void> {
  const file = path.join(folder, 'profile.html')
  writeFileSync(file, treeHtml(tree, { ...OPTIONS, ...over, ...bundle }))
  await page.goto(pathToFileURL(file).href)
}

/** Labels of the boxes by row, from the top; only boxes that are wide enough for a label. */
const rows = () =>
  page.evaluate(() => {
    const found = new Map<number, string[]>()
    for (const label of document.querySelectorAll<HTMLElement>('.d3-flame-graph-label')) {
      const { top, width } = label.parentElement!.parentElement!.getBoundingClientRect()
      if (width === 0 || label.style.display === 'none') continue
      found.set(top, [...(found.get(top) ?? []), label.textContent])
    }
    return [...found].sort(([one], [other]) => one - other).map(([, labels]) => labels.join('  '))
  })
const boxOf = (name: string) => page.locator('g', { has: page.getByText(name, { exact: true }) })
const matches = () => page.locator('#matches').innerText()

const TREE = treeFromDrawing(`
  main 90            gc 10
  read 60  work 30
  disk 40
`)

describe('the page of a profile', () => {
  it('draws an icicle, a flame graph and an iceberg', async () => {
    await openPage(TREE)
    await expect.poll(rows).toEqual(['total', 'main  gc', 'read  work', 'disk'])
    await openPage(TREE, { orientation: 'flame' })
    await expect.poll(rows).toEqual(['disk', 'read  work', 'main  gc', 'total'])
    await openPage(invertTree(TREE), { isInverted: true })
    await expect.poll(rows).toEqual(['total', 'disk  work  read  gc', 'read  main  main', 'main'])
    expect(complaints).toEqual([])
  })

  it('zooms to the box that is clicked, and back', async () => {
    await openPage(TREE)
    await boxOf('read').click()
    await expect.poll(rows).toEqual(['total', 'main', 'read', 'disk'])
    const width = await boxOf('read').locator('rect').getAttribute('width')
    expect(Number(width)).toBe(1000)
    await page.getByRole('button', { name: 'Reset zoom' }).click()
    await expect.poll(rows).toEqual(['total', 'main  gc', 'read  work', 'disk'])
    expect(complaints).toEqual([])
  })

  it('searches as the viewer does: parts of names, alternatives, nested matches once', async () => {
    await openPage(TREE)
    await page.keyboard.press('/')
    await page.keyboard.type('read|disk')
    expect(await matches()).toBe('2 frames, 60.0 % of the whole')
    expect(await boxOf('disk').locator('rect').getAttribute('fill')).toBe('#b400b4')
    await page.getByRole('searchbox').fill('(a+)+$')
    expect(await matches()).toBe('no match')
    await page.keyboard.press('Escape')
    expect(await matches()).toBe('')
    expect(await boxOf('disk').locator('rect').getAttribute('fill')).not.toBe('#b400b4')
    expect(complaints).toEqual([])
  })

  it('goes by keyboard to the widest match', async () => {
    await openPage(TREE)
    await page.getByRole('searchbox').fill('work')
    await page.keyboard.press('Enter')
    await expect.poll(rows).toEqual(['total', 'main', 'work'])
    expect(complaints).toEqual([])
  })

  it('tells what is under the pointer, in words', async () => {
    await openPage(TREE)
    await boxOf('read').hover()
    expect(await page.locator('#details').innerText()).toBe('read, 60.0 %, 60, self 20.0 %')
    expect(await boxOf('read').locator('title').textContent()).toBe('read, 60.0 %, 60, self 20.0 %')
  })

  it('shows a diff with signs, and edges for what is new and gone', async () => {
    const comparison = treeFromDrawing('main 80  swap 20')
    await openPage(diffTrees({ baseline: TREE, comparison }))
    await expect.poll(async () => (await rows())[1]).toBe('▼ gc −10.0 pt  ▼ main −10.0 pt  ▲ swap +20.0 pt')
    expect(await page.locator('rect.new').count()).toBe(1)
    expect(await page.locator('rect.gone').count()).toBe(4)
    expect(complaints).toEqual([])
  })

  it('follows the width of its window, draws 1,000 frames, and says what is folded', async () => {
    const crowd = treeFromDrawing(Array.from({ length: 1_500 }, (_, i) => `f${i} 1`).join('  '))
    await openPage(crowd)
    await page.setViewportSize({ width: 1_800, height: 700 })
    await expect.poll(() => page.locator('svg').getAttribute('width')).toBe('1768')
    expect(await page.locator('g').count()).toBeGreaterThan(900)
    expect(await page.locator('p.rule').first().innerText()).toMatch(/^502 small frames/)
    expect(complaints).toEqual([])
  })

  it('says so where there are no samples', async () => {
    await openPage(treeFromDrawing('a 0'))
    expect(await page.locator('#graph').innerText()).toBe('No samples.')
    expect(complaints).toEqual([])
  })
})

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '</script><script>alert(2)</script>',
  '"><svg onload=alert(3)>',
  'user\u202enimda',
  '__proto__',
  `x${'y'.repeat(10_000)}`,
]
const SHOWN = [...HOSTILE.slice(0, 3), 'user\\u{202e}nimda', '__proto__']

describe('hostile names', () => {
  const hostile = (): CallTree => {
    const tree = treeFromDrawing(HOSTILE.map((_, i) => `f${i} 10`).join('  '))
    return { ...tree, frames: { ...tree.frames, name: ['total', ...HOSTILE] } }
  }

  it('stay text in the page, under the pointer and in the search', async () => {
    await openPage(hostile(), { title: HOSTILE[0]!, subtitle: HOSTILE[1]!, unit: HOSTILE[2]! })
    expect(await page.locator('h1').innerText()).toBe(HOSTILE[0])
    for (const name of SHOWN) {
      await page.getByRole('searchbox').fill(name)
      expect(await matches()).toMatch(/^1 frame/)
      await boxOf(name).hover()
      expect(await page.locator('#details').innerText()).toContain(name)
    }
    expect(await page.locator('img, svg svg').count()).toBe(0)
    expect(await page.locator('script').count()).toBe(2)
    expect(complaints).toEqual([])
    expect(requests).toEqual([])
  })

  it('stay text in an SVG that the browser reads as XML', async () => {
    const file = path.join(folder, 'profile.svg')
    const text = treeSvg(hostile(), { ...OPTIONS, title: HOSTILE[0]!, subtitle: HOSTILE[1]! })
    writeFileSync(file, text)
    await page.goto(pathToFileURL(file).href)
    const titles = await page.evaluate((given) => {
      const parsed = new DOMParser().parseFromString(given, 'image/svg+xml')
      if (parsed.querySelector('parsererror') !== null) throw new Error(parsed.documentElement.textContent)
      if (parsed.querySelector('script, foreignObject, image, a') !== null) throw new Error('not only shapes')
      return [...parsed.querySelectorAll('g > title')].map(
        ({ textContent }) => textContent.split(', 16.7 %')[0]!,
      )
    }, text)
    expect(titles.slice(1, 6)).toEqual(SHOWN)
    expect(complaints).toEqual([])
    expect(requests).toEqual([])
  })
})
