// The strip in a real browser, over the real data source and a backend that answers by range.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addAxe, axeObjections } from '../../../tests/browser/axe.ts'
import { settledBox } from '../../../tests/browser/chromium.ts'
import { type OpenPage, openPage } from '../testing/open-page.ts'
import type { ShowInput } from '../testing/page.tsx'

let open: OpenPage
beforeAll(async () => {
  open = await openPage()
}, 60_000)
afterAll(() => open.close())
beforeEach(async () => {
  await open.page.mouse.move(0, 0)
  await open.page.evaluate(() => {
    window.fake.release()
    Object.assign(window.fake, { aborted: 0, refusal: undefined, seriesRefusal: undefined })
    window.leaked = []
  })
})

const show = (input: Partial<ShowInput>) =>
  open.page.evaluate((given) => window.show(given), {
    panel: 'flame',
    series: 'asked',
    width: 1200, // a minute is 80 pixels
    height: 350,
    isDark: true,
    options: { timeline: true },
    ...input,
  } as ShowInput)

const part = (id: string) => open.page.getByTestId(`flametrail-${id}`)
const asked = () => open.page.evaluate(() => [...window.fake.asked])
const release = () => open.page.evaluate(() => window.fake.release())
const fake = (over: { isHolding?: boolean; refusal?: string | undefined; seriesRefusal?: string }) =>
  open.page.evaluate((given) => {
    Object.assign(window.fake, given)
  }, over)
const header = () => part('header').innerText()
const headerSays = (expected: RegExp) => expect.poll(header).toMatch(expected)
const chips = () =>
  part('strip-words')
    .locator('span')
    .filter({ has: open.page.locator('button') })
    .allInnerTexts()
    .then((texts) => texts.map((text) => text.replace(/\s*×\s*/, '')))
const slider = (name: string) => open.page.getByRole('slider', { name })
const press = async (...keys: string[]) => {
  for (const key of keys) await open.page.keyboard.press(key)
}

/** Draws over the strip from one minute to another. */
async function stroke(from: number, to: number, { shift = false } = {}) {
  const { x, y, height } = await settledBox(part('strip-plot'))
  const { mouse, keyboard } = open.page
  if (shift) await keyboard.down('Shift')
  await mouse.move(x + from * 80, y + height / 2)
  await mouse.down()
  await mouse.move(x + ((from + to) / 2) * 80, y + height / 2)
  await mouse.move(x + to * 80, y + height / 2)
  await mouse.up()
  if (shift) await keyboard.up('Shift')
}

const ALL = /8,000 samples .* 10:00:00 to 10:15:00/

describe('the strip', () => {
  it('is not there, and asks nothing, unless it is switched on', async () => {
    await show({ options: {} })
    expect([await part('strip').count(), await asked()]).toEqual([0, []])
    expect(await header()).toMatch(ALL)
  })

  it("asks for the query's series over the panel's range, and draws it with its gap", async () => {
    await show({})
    await expect
      .poll(() => part('strip').innerText())
      .toMatch(/^max 1\.35 cores\s+2026-11-24 10:00:00 to 10:15:00/)
    expect(await asked()).toContain('series 10:00:00 to 10:15:00')
    // A column of the canvas for each minute's middle: is anything drawn above its base line?
    const drawn = await part('strip').evaluate((strip) => {
      const canvas = strip.querySelector('canvas')!
      const { data, width } = canvas.getContext('2d')!.getImageData(0, 20, canvas.width, 35)
      return Array.from({ length: 15 }, (_, minute) => {
        const column = Math.round((minute + 0.5) * 80)
        return Array.from({ length: 35 }, (_, row) => data[(row * width + column) * 4 + 3]!).some(Boolean)
          ? '#'
          : '.'
      }).join('')
    })
    expect(drawn).toBe('###.###########')
    const box = (await part('graph').boundingBox())!
    const strip = (await part('strip').boundingBox())!
    expect(Math.round(strip.height + 4 + box.height)).toBe(350)
  })

  it('reads out the moment and the value under the pointer', async () => {
    await show({})
    const { x, y } = await settledBox(part('strip-plot'))
    await open.page.mouse.move(x + 800, y + 20)
    await expect.poll(() => part('strip-readout').innerText()).toMatch(/^10:10:00\s+1\.34 cores$/)
    await open.page.mouse.move(x + 280, y + 20)
    await expect.poll(() => part('strip-readout').innerText()).toMatch(/^10:03:30\s+nobody reported$/)
  })

  it('uses the series that came with the answer', async () => {
    await show({ series: 'askedBoth' })
    await expect.poll(() => part('strip').innerText()).toMatch(/^max 1\.35 cores/)
    expect(await asked()).toEqual([])
  })
})

describe('a stroke', () => {
  it('shows its part of the query, and leaves the strip as it is', async () => {
    await show({})
    await stroke(8, 10)
    await headerSays(/samples .* 10:08:00 to 10:10:00/)
    expect((await asked()).at(-1)).toBe('flame 10:08:00 to 10:10:00')
    expect(await open.page.locator('tbody tr').first().innerText()).toMatch(/^spin\s+56\.0 ms\s+42\.0 %/)
    expect(await chips()).toEqual(['Graph 10:08:00 to 10:10:00'])
    await open.page.mouse.move(0, 0)
    expect(await part('strip-readout').innerText()).toMatch(/10:00:00 to 10:15:00/)
  })

  it('is not a click, and ends with the strip', async () => {
    await show({})
    await stroke(8, 8)
    expect(await chips()).toEqual([])
    await stroke(12, 40)
    await headerSays(/10:12:00 to 10:15:00/)
  })

  it('runs when the button is let go; the graph before stays, and says that it waits', async () => {
    await show({})
    await headerSays(ALL)
    await fake({ isHolding: true })
    const { x, y } = await settledBox(part('strip-plot'))
    await open.page.mouse.move(x + 80, y + 30)
    await open.page.mouse.down()
    await open.page.mouse.move(x + 240, y + 30)
    expect(await part('strip-words').innerText()).toMatch(/^10:01:00 to 10:03:00/)
    expect((await asked()).filter((one) => one.startsWith('flame'))).toEqual([])
    await open.page.mouse.up()
    expect(await part('strip-graph').getAttribute('aria-busy')).toBe('true')
    expect(await header()).toMatch(ALL)
    await release()
    await headerSays(/10:01:00 to 10:03:00/)
    expect(await part('strip-graph').getAttribute('aria-busy')).toBe('false')
  })

  it('gives up the one before that is still under way', async () => {
    await show({})
    await headerSays(ALL)
    await expect.poll(() => part('strip').innerText()).toMatch(/^max/)
    await fake({ isHolding: true })
    const { length } = await asked()
    await stroke(1, 3)
    await expect.poll(async () => (await asked()).length).toBe(length + 1)
    const before = await open.page.evaluate(() => window.fake.aborted)
    await stroke(11, 13)
    await expect.poll(async () => (await asked()).length).toBe(length + 2)
    expect(await open.page.evaluate(() => window.fake.aborted)).toBe(before + 1)
    await release()
    await headerSays(/10:11:00 to 10:13:00/)
  })

  it('is taken back by Esc while it is drawn', async () => {
    await show({})
    const { x, y } = await settledBox(part('strip-plot'))
    await open.page.mouse.move(x + 80, y + 30)
    await open.page.mouse.down()
    await open.page.mouse.move(x + 240, y + 30)
    await press('Escape')
    await open.page.mouse.up()
    expect(await chips()).toEqual([])
    expect(await open.page.evaluate(() => window.leaked)).toEqual([])
  })

  it('says after 2 s that it reads', async () => {
    await fake({ isHolding: true })
    await show({})
    expect(await part('strip-sentence').count()).toBe(0)
    await stroke(1, 3)
    await expect
      .poll(() => part('strip-words').innerText(), { timeout: 5_000 })
      .toMatch(/Reading this range …/)
    expect(await part('strip-sentence').innerText()).toBe('Reading the series …')
    await open.page.getByRole('button', { name: 'Clear the range: Graph' }).click()
    expect(await open.page.evaluate(() => window.fake.aborted)).toBeGreaterThanOrEqual(1)
    expect(await header()).toMatch(ALL)
  })

  it("shows the backend's sentence where it is refused, and keeps the graph", async () => {
    await show({})
    await fake({ refusal: 'the range has 9 files; at most 8 are allowed (limits.files)' })
    await stroke(1, 3)
    await expect
      .poll(() => part('strip-error').innerText())
      .toMatch(/at most 8 are allowed \(limits\.files\)$/)
    expect(await header()).toMatch(ALL)
    await fake({ refusal: undefined })
    await stroke(2, 4)
    await headerSays(/10:02:00 to 10:04:00/)
    expect(await part('strip-error').count()).toBe(0)
  })

  it('says that a part has no samples, and is still cleared from there', async () => {
    await show({})
    await stroke(3.25, 3.75)
    await expect
      .poll(() => part('sentence').innerText())
      .toMatch(/^No samples in 2026-11-24 10:03:15 to 10:03:45\. Widen/)
    await open.page.getByRole('button', { name: 'Clear the range: Graph' }).click()
    expect(await header()).toMatch(ALL)
  })
})

describe('clearing', () => {
  it('goes by Esc, after what the graph has to go back from; then Esc is Grafana’s', async () => {
    await show({})
    await stroke(8, 10)
    await headerSays(/10:08:00/)
    await open.page.getByRole('searchbox').fill('spin')
    await open.page.getByRole('searchbox').press('Enter')
    await press('Escape')
    expect(await chips()).toHaveLength(1)
    const before = (await asked()).length
    await press('Escape')
    expect(await chips()).toEqual([])
    expect(await header()).toMatch(ALL)
    expect((await asked()).length).toBe(before)
    await press('Escape')
    expect(await open.page.evaluate(() => window.leaked)).toEqual(['Escape'])
  })

  it('goes by its button, and leaves the focus in the strip', async () => {
    await show({})
    await stroke(8, 10)
    await open.page.getByRole('button', { name: 'Clear the range: Graph' }).click()
    expect(await header()).toMatch(ALL)
    expect(await open.page.evaluate(() => document.activeElement?.textContent)).toBe('Mark')
  })
})

describe('a stroke with Shift', () => {
  const DIFF = /^baseline .* 10:00:00 to 10:15:00 · comparison .* 10:10:00 to 10:12:00/
  for (const [panel, series] of [
    ['flame', 'asked'],
    ['iceberg', 'askedInverted'],
  ] as const)
    it(`compares with all that the ${panel} panel showed, as a flame diff; clearing leads back`, async () => {
      await show({ panel, series })
      await stroke(10, 12, { shift: true })
      await headerSays(DIFF)
      expect((await asked()).at(-1)).toBe('diff 10:10:00 to 10:12:00 against 10:00:00 to 10:15:00')
      expect(await chips()).toEqual(['Comparison 10:10:00 to 10:12:00'])
      expect(await part('changes').locator('li').first().innerText()).toMatch(/spin\s+\+19\.5 pt/)
      expect(await part('reading-rule').innerText()).toMatch(/^Start at the bottom/)
      await open.page.getByRole('button', { name: 'Clear the range: Comparison' }).click()
      await headerSays(ALL)
    })

  it('compares with the first stroke where there was one', async () => {
    await show({})
    await stroke(1, 3)
    await stroke(10, 12, { shift: true })
    await headerSays(/^baseline .* 10:01:00 to 10:03:00 · comparison .* 10:10:00 to 10:12:00/)
    expect(await chips()).toEqual(['Baseline 10:01:00 to 10:03:00', 'Comparison 10:10:00 to 10:12:00'])
    await open.page.getByRole('button', { name: 'Clear the range: Comparison' }).click()
    await headerSays(/^[\d,]+ samples .* 10:01:00 to 10:03:00/)
    expect(await chips()).toEqual(['Graph 10:01:00 to 10:03:00'])
  })

  it('inverts an iceberg only where nothing is compared', async () => {
    await show({ panel: 'iceberg', series: 'askedInverted' })
    await stroke(8, 10)
    await headerSays(/10:08:00 to 10:10:00/)
    expect((await asked()).at(-1)).toBe('iceberg 10:08:00 to 10:10:00')
    expect(await part('reading-rule').innerText()).toMatch(/functions by their own time/)
  })
})

describe('the diff panel', () => {
  for (const series of ['askedDiff', 'askedTwo'] as const)
    it(`takes a stroke as the baseline, one with Shift as the comparison (${series})`, async () => {
      await show({ panel: 'diff', series })
      await stroke(1, 3)
      await headerSays(/^baseline .* 10:01:00 to 10:03:00 · comparison .* 10:00:00 to 10:15:00/)
      await stroke(10, 12, { shift: true })
      await headerSays(/^baseline .* 10:01:00 to 10:03:00 · comparison .* 10:10:00 to 10:12:00/)
      await open.page.getByRole('button', { name: 'Clear the range: Baseline' }).click()
      const unmarked = series === 'askedTwo' ? '10:00:00 to 10:15:00' : '10:08:00 to 10:10:00' // the time just before
      await headerSays(new RegExp(`^baseline .* ${unmarked} · comparison .* 10:10:00 to 10:12:00`))
    })
})

describe('by keyboard', () => {
  it('a button marks, arrows move an end, and the query runs when the key is let go', async () => {
    await show({})
    await open.page.getByRole('button', { name: 'Mark', exact: true }).focus()
    await press('Enter')
    await headerSays(/10:05:00 to 10:10:00/)
    const start = slider('Start of the graph')
    expect(await start.evaluate((element) => element === document.activeElement)).toBe(true)
    const before = (await asked()).length
    await open.page.keyboard.down('ArrowRight')
    await open.page.keyboard.down('ArrowRight')
    expect(await start.getAttribute('aria-valuetext')).toBe('2026-11-24 10:05:20')
    expect((await asked()).length).toBe(before)
    await open.page.keyboard.up('ArrowRight')
    await headerSays(/10:05:20 to 10:10:00/)
    expect((await asked()).length).toBe(before + 1)
    await press('Tab', 'End')
    await headerSays(/10:05:20 to 10:15:00/)
    await open.page.getByRole('button', { name: 'Compare' }).focus()
    await press('Enter')
    await headerSays(/^baseline .* 10:05:20 to 10:15:00 · comparison .* 10:10:00 to 10:15:00/)
    expect(await slider('Start of the comparison').evaluate((one) => one === document.activeElement)).toBe(
      true,
    )
    await press('Escape')
    await headerSays(ALL)
  })

  it('a handle goes by the pointer, too', async () => {
    await show({})
    await stroke(4, 8)
    const { x, y, width, height } = await settledBox(slider('End of the graph'))
    const { x: left } = await settledBox(part('strip-plot'))
    await open.page.mouse.move(x + width / 2, y + height / 2)
    await open.page.mouse.down()
    await open.page.mouse.move(left + 12 * 80, y + height / 2)
    await open.page.mouse.up()
    await headerSays(/10:04:00 to 10:12:00/)
    expect(await chips()).toEqual(['Graph 10:04:00 to 10:12:00'])
  })
})

describe('new data from outside', () => {
  it.each([
    { series: 'asked', what: 'the same range again', marks: 1 },
    { series: 'askedLater', what: 'a range that went on with the clock', marks: 1 },
    { series: 'askedShorter', what: 'another range', marks: 0 },
    { series: 'askedElsewhere', what: 'another query', marks: 0 },
  ])('leaves $marks marks: $what', async ({ series, marks }) => {
    await show({})
    await stroke(4, 8)
    await headerSays(/10:04:00 to 10:08:00/)
    await show({ series, isRefresh: true })
    await expect.poll(async () => (await chips()).length).toBe(marks)
    if (marks === 1) expect(await header()).toMatch(/10:04:00 to 10:08:00/)
    else await headerSays(/10:00:00 to/)
    const last = { askedLater: '10:00:10 to 10:15:10', askedShorter: '10:00:00 to 10:10:00' }[series]
    await open.page.mouse.move(0, 0)
    await expect.poll(() => part('strip-readout').innerText()).toContain(last ?? '10:00:00 to 10:15:00')
    if (last !== undefined) expect(await asked()).toContain(`series ${last}`)
  })
})

describe('where there is no strip to draw', () => {
  it('says so for frames that do not say whom to ask, above their graph', async () => {
    await show({ series: 'service' })
    expect(await part('no-strip').innerText()).toMatch(/^There is no time strip: this profile does not say/)
    expect(await header()).toMatch(/8,000 samples/)
  })

  it('says that the data source is gone', async () => {
    await show({ series: 'gone' })
    await expect.poll(() => part('strip-sentence').innerText()).toBe('Data source gone was not found')
    expect(await header()).toMatch(ALL)
  })

  it('says why the series did not come, and a stroke still shows its part', async () => {
    await fake({ seriesRefusal: 'too many points' })
    await show({})
    await expect.poll(() => part('strip-sentence').innerText()).toBe('too many points')
    await stroke(8, 10)
    await headerSays(/10:08:00 to 10:10:00/)
  })

  it('leaves a low panel to the graph, and survives a width of nothing', async () => {
    await show({ width: 0, height: 0 })
    await show({ height: 190 })
    expect([await part('strip').count(), await part('graph').count()]).toEqual([0, 1])
    await show({ width: 300, height: 200 })
    expect([await part('strip').count(), await part('graph').count()]).toEqual([1, 1])
  })
})

describe('accessibility', () => {
  beforeAll(() => addAxe(open.page))
  for (const isDark of [true, false])
    it(`has no objection of axe, ${isDark ? 'dark' : 'light'}`, async () => {
      await show({ isDark })
      await stroke(1, 3)
      await stroke(10, 12, { shift: true })
      await headerSays(/^baseline/)
      await fake({ refusal: 'no' })
      await stroke(5, 6)
      await expect.poll(() => part('strip-error').count()).toBe(1)
      expect(await axeObjections(open.page, '#root', 10)).toEqual([])
    })
})

describe('the page', () => {
  it('had nothing to complain of: no React warning, no error', () => {
    expect(open.complaints).toEqual([])
  })
})
