// The three panels in a real browser, by the hooks that are a contract: roles, labels, text.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addAxe, axeObjections } from '../../tests/browser/axe.ts'
import { settledBox } from '../../tests/browser/chromium.ts'
import { type OpenPage, openPage } from './testing/open-page.ts'
import type { ShowInput } from './testing/page.tsx'

let open: OpenPage
beforeAll(async () => {
  open = await openPage()
}, 60_000)
afterAll(() => open.close())
beforeEach(async () => {
  await open.page.mouse.move(0, 0)
  await open.page.evaluate(() => {
    window.leaked = []
  })
})

const show = (input: Partial<ShowInput>) =>
  open.page.evaluate((given) => window.show(given), {
    panel: 'flame',
    series: 'service',
    width: 1240,
    height: 350,
    isDark: true,
    ...input,
  } as ShowInput)

const tree = () => open.page.getByRole('tree')
const search = () => open.page.getByRole('searchbox')
const text = (id: string) => open.page.getByTestId(`flametrail-${id}`).innerText()
const rows = () => open.page.locator('tbody tr').allInnerTexts()
/** What a screen reader says of the current node. */
async function current(): Promise<string> {
  const id = await tree().getAttribute('aria-activedescendant')
  return (await open.page.locator(`#${id}`).getAttribute('aria-label')) ?? ''
}
const press = async (...keys: string[]) => {
  for (const key of keys) await open.page.keyboard.press(key)
}

describe('the flame graph panel', () => {
  beforeEach(() => show({}))

  it('says what was measured, when, and how many stacks end early', async () => {
    expect(await text('header')).toBe(
      '8,000 samples · 800 ms CPU · 2026-11-24 10:00:00 to 10:15:00 · 38 % of stacks end early',
    )
    expect(await text('reading-rule')).toMatch(/^Start at the bottom/)
  })

  it('finds a function by search, selects it by Enter and walks to its callers by keyboard', async () => {
    await search().fill('spin')
    expect(await text('matches')).toBe('1 frame, 22.5 % of this view')
    await search().press('Enter')
    expect(await text('matches')).toBe('1 of 1 frame, 22.5 % of this view')
    expect(await current()).toBe('spin, 22.5 %, 180 ms CPU, self 22.5 %')
    const callers: string[] = []
    for (let step = 0; step < 5; step++) {
      await press('ArrowDown')
      callers.push((await current()).split(',')[0]!)
    }
    expect(callers).toEqual(['shop/cart.Add', 'http.(*conn).serve', 'serve', 'main', 'total'])
    const item = open.page.getByRole('treeitem', { includeHidden: true })
    expect(await item.getAttribute('aria-level')).toBe('1')
  })

  it('goes from match to match in screen order, around the end', async () => {
    await search().fill('gc.')
    await search().press('Enter')
    const seen = [(await current()).split(',')[0]]
    for (const key of ['n', 'n', 'n', 'N']) {
      await press(key)
      seen.push((await current()).split(',')[0])
    }
    expect(seen).toEqual(['gc.background', 'gc.mark', 'gc.sweep', 'gc.background', 'gc.sweep'])
    expect(await text('matches')).toBe('3 of 3 frames, 15.0 % of this view')
  })

  it('zooms by Enter, tells what is left, and goes back by Esc, crumb and Home', async () => {
    await search().fill('cart.Add')
    await search().press('Enter')
    await press('Enter')
    expect(await text('crumbs')).toMatch(/shop\/cart\.Add\s*55\.6 % of 800 ms CPU$/)
    expect(await text('matches')).toBe('1 of 1 frame, 100 % of this view')
    await press('Escape') // the search first
    expect(await search().inputValue()).toBe('')
    await press('Escape')
    expect(await text('crumbs')).toMatch(/^total\s*800 ms CPU$/)
    await press('ArrowUp', 'ArrowUp', 'Enter')
    await open.page.getByTestId('flametrail-crumbs').getByRole('button', { name: 'main' }).click()
    expect(await text('crumbs')).toMatch(/main\s*95\.0 % of/)
    await tree().focus()
    await press('Home')
    expect(await text('crumbs')).toMatch(/^total\s*800 ms CPU$/)
  })

  it('zooms by one click where a box stands; the second click of a pair undoes it', async () => {
    const bounds = (await tree().boundingBox())!
    const at = { x: bounds.x + bounds.width * 0.5, y: bounds.y + bounds.height - 30 } // second row: main
    await open.page.mouse.move(at.x, at.y)
    expect(await open.page.getByTestId('flametrail-tooltip').innerText()).toMatch(
      /^main\n+shop.*native\n+Total\s+760 ms CPU\s+95\.0 %\n+Self\s+0 s CPU\s+0 %$/s,
    )
    await open.page.mouse.click(at.x, at.y)
    expect(await text('crumbs')).toMatch(/main\s*95\.0 % of/)
    await open.page.mouse.click(at.x, at.y, { clickCount: 2 })
    expect(await text('crumbs')).toMatch(/^total/)
  })

  it('turns by o: then the caller is up', async () => {
    await search().fill('memcpy')
    await search().press('Enter')
    await press('o')
    expect(await text('reading-rule')).toMatch(/^Start at the top/)
    await press('ArrowUp')
    expect(await current()).toMatch(/^std::vector/)
  })

  it('shows graph, table or both by 1, 2, 3, from wherever the focus is', async () => {
    await tree().focus()
    await press('2')
    expect([await tree().count(), await open.page.locator('table').count()]).toEqual([0, 1])
    await press('1')
    expect([await tree().count(), await open.page.locator('table').count()]).toEqual([1, 0])
    await press('3')
    expect([await tree().count(), await open.page.locator('table').count()]).toEqual([1, 1])
  })

  it('keeps its keys from Grafana while the graph has the focus, and only then', async () => {
    await tree().focus()
    await press('ArrowUp', 'o', 'o', 'n', 'v')
    expect(await open.page.evaluate(() => window.leaked)).toEqual(['v'])
    await search().focus()
    await press('o')
    expect(await search().inputValue()).toBe('o')
    expect(await text('reading-rule')).toMatch(/bottom/)
  })

  it('has a real table: sorted by self, sortable by any column, filtered by the search', async () => {
    const heads = await open.page.getByRole('columnheader').allInnerTexts()
    expect(heads.map((head) => head.replace(/ [↑↓]/, ''))).toEqual(['Function', 'Self', 'Total'])
    expect((await rows())[0]).toMatch(/^spin\s+180 ms\s+22\.5 %\s+180 ms\s+22\.5 %$/)
    await open.page.getByRole('columnheader', { name: 'Total' }).getByRole('button').click()
    expect((await rows())[0]).toMatch(/^main\s/)
    await search().fill('GC')
    expect(await rows()).toEqual([])
    await search().fill('gc')
    expect(await rows()).toHaveLength(3)
  })

  it('leads from a row of the table to the widest box of the function', async () => {
    await open.page.getByRole('button', { name: 'ksys_read' }).click()
    expect(await current()).toMatch(/^ksys_read, 18\.8 %/)
  })

  it('shows what turns the direction of writing as an escape', async () => {
    expect((await rows()).join()).toContain('user\\u{202e}inimda')
  })

  it('marks the sample profile, and frames that were folded', async () => {
    await show({ series: 'sample' })
    expect(await text('header')).toMatch(/^sample profile, not this machine/)
    await show({ series: 'pruned' })
    expect(await text('header')).toMatch(/[\d,]+ smallest nodes folded/)
    await search().fill('(folded)')
    await search().press('Enter')
    expect(await current()).toMatch(/^\([\d,]+ more\), /)
  })

  it('says which fields are missing where the frame is no profile', async () => {
    await show({ series: 'metrics' })
    expect(await text('sentence')).toMatch(/"level", "value", "self", "label" is missing, what came is time/)
    await show({ series: 'nothing' })
    expect(await text('sentence')).toMatch(/no data frame/)
  })

  it('says when and how to go on where there are no samples', async () => {
    await show({ series: 'empty' })
    expect(await text('sentence')).toMatch(/^No samples in 2026-11-24 10:00:00 to 10:15:00\. Widen/)
  })

  it('keeps zoom, search and the marked function through a refresh', async () => {
    await open.page.getByRole('button', { name: 'spin' }).click()
    await search().fill('cart.Add')
    await search().press('Enter')
    await press('Enter')
    await show({ series: 'changed', isRefresh: true })
    expect(await text('crumbs')).toMatch(/shop\/cart\.Add\s*68\.5 % of 1\.00 s CPU$/)
    expect(await text('matches')).toBe('1 of 1 frame, 100 % of this view')
    await search().fill('')
    expect(await open.page.locator('tr[aria-current="true"]').innerText()).toMatch(/^spin\s+420 ms/)
  })

  it('survives a width and a height of nothing', async () => {
    await show({ width: 0, height: 0 })
    await show({ width: 300, height: 120 })
    expect(await tree().count()).toBe(1)
  })
})

describe('the iceberg panel', () => {
  for (const series of ['iceberg', 'service'] as const)
    it(`has the function with the most own time at its base, its caller on it (${series})`, async () => {
      await show({ panel: 'iceberg', series })
      await tree().focus()
      await press('ArrowUp')
      expect(await current()).toBe('spin, 22.5 %, 180 ms CPU, self 22.5 %')
      await press('ArrowUp')
      expect(await current()).toBe('shop/cart.Add, 22.5 %, 180 ms CPU, self 0 %, calls spin')
      expect(await text('reading-rule')).toMatch(/functions by their own time/)
      expect((await rows())[0]).toMatch(/^spin\s+180 ms\s+22\.5 %\s+180 ms\s+22\.5 %$/)
      expect((await rows()).find((row) => row.startsWith('main'))).toMatch(
        /^main\s+0 s\s+0 %\s+760 ms\s+95\.0 %$/,
      )
    })

  it('does not turn a trimmed tree over, and says why', async () => {
    await show({ panel: 'iceberg', series: 'pruned' })
    expect(await text('sentence')).toMatch(/trimmed: [\d,]+ nodes are folded.*invert/s)
  })
})

describe('the diff panel', () => {
  for (const series of ['diff', 'two'] as const)
    it(`says in words, signs and points what changed, by share of load (${series})`, async () => {
      await show({ panel: 'diff', series })
      expect(await text('header')).toMatch(
        /baseline 8,000 samples.*comparison 10,000 samples.*compared by share/s,
      )
      const changes = await open.page.getByTestId('flametrail-changes').locator('li').allInnerTexts()
      expect(changes.slice(0, 2).map((change) => change.replace(/\s+/g, ' '))).toEqual([
        '▲ spin +19.5 pt worse',
        '▼ json.Marshal −9.0 pt better',
      ])
      const heads = await open.page.getByRole('columnheader').allInnerTexts()
      expect(heads).toEqual(['Function', 'Baseline', 'Comparison', 'Change ↓'])
      const first = open.page.getByRole('row').filter({ hasText: 'spin' }).first()
      expect(await first.innerText()).toMatch(/^spin\s+22\.5 %\s+42\.0 %\s+▲ \+19\.5 pt worse$/)
      expect(Number(await first.getAttribute('data-change-self-pt'))).toBeCloseTo(19.5, 2)
      expect(Number(await first.getAttribute('data-change-total-pt'))).toBeCloseTo(19.5, 2)
    })

  it('names new and gone frames, and keeps both sides apart', async () => {
    await show({ panel: 'diff', series: 'diff' })
    await search().fill('gc.assist|gc.sweep')
    await search().press('Enter')
    expect(await current()).toBe('gc.assist, ▲ +5.0 pt new, baseline 0 %, comparison 5.0 %, self +5.0 pt')
    await press('n')
    expect(await current()).toMatch(/^gc\.sweep, ▼ −3\.7 pt gone, baseline 3\.8 %, comparison 0 %/)
  })

  it('changes its palette by k, and asks for a second profile where there is one', async () => {
    await show({ panel: 'diff', series: 'diff' })
    await tree().focus()
    await press('k')
    expect(await open.page.getByRole('button', { name: 'Orange/blue' }).getAttribute('aria-pressed')).toBe(
      'true',
    )
    await show({ panel: 'diff', series: 'service' })
    expect(await text('sentence')).toMatch(/a diff needs two/)
  })
})

describe('a click on the middle of a box', () => {
  for (const ratio of [1, 1.5, 2])
    it(`zooms to that very box at ${ratio} device pixels per CSS pixel, scrolled and zoomed, both ways up`, async () => {
      const context = await open.browser.newContext({
        viewport: { width: 900, height: 700 },
        deviceScaleFactor: ratio,
      })
      const page = await context.newPage()
      await page.goto(open.page.url())
      const crumbs = () => page.getByTestId('flametrail-crumbs').locator('[aria-current]').innerText()
      for (const orientation of ['flame', 'icicle'] as const) {
        // 190 pixels leave the graph about five rows: deeper boxes are reached by scrolling.
        const input = {
          panel: 'flame',
          series: 'service',
          width: 801,
          height: 190,
          isDark: true,
          options: { orientation },
        }
        await page.evaluate((given) => window.show(given as ShowInput), input)
        for (const name of ['shop/cart.Add', 'db::query::run', 'ksys_read']) {
          await page.getByRole('searchbox').fill(name)
          await page.getByRole('searchbox').press('Enter')
          // The search is one render, the picture scrolled to its match the next.
          const box = await settledBox(page.getByRole('treeitem', { name }))
          await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2)
          await expect.poll(crumbs, { message: `${name}, ${orientation}` }).toBe(name)
        }
      }
      await context.close()
    })
})

describe('accessibility', () => {
  beforeAll(() => addAxe(open.page))
  for (const isDark of [true, false])
    for (const [panel, series] of [
      ['flame', 'pruned'],
      ['iceberg', 'iceberg'],
      ['diff', 'diff'],
    ] as const)
      it(`has no objection of axe against the ${panel} panel, ${isDark ? 'dark' : 'light'}`, async () => {
        await show({ panel, series, isDark, height: 500 })
        await tree().focus()
        await press('?')
        expect(await axeObjections(open.page, '#root', 10)).toEqual([])
      })
})

describe('the page', () => {
  it('had nothing to complain of: no React warning, no error', () => {
    expect(open.complaints).toEqual([])
  })
})
