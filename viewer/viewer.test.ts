// The built page in a real Chromium, over answers that the backend's own verbs and writers made.
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Profile } from '#profile/model/profile'
import { CPU } from '#profile/model/profile-type'
import { parseFolded } from '#profile/wire/folded'
import { encodePprof } from '#profile/wire/pprof'
import { addAxe, axeObjections } from '../tests/browser/axe.ts'
import { launchChromium, settledBox } from '../tests/browser/chromium.ts'
import { builtViewer } from './testing/built-viewer.ts'
import { type SampleServer, startSampleServer } from './testing/sample-server.ts'
import { openContext, openPage, type TestPage } from './testing/test-page.ts'

/** A name from a stranger's program is text, here as anywhere. */
const DROPPED = 'main;<img src=x onerror=alert(1)> 1\nmain;work 2\n'

let browser: Browser
let context: BrowserContext
let server: SampleServer
beforeAll(async () => {
  const directory = builtViewer()
  ;[browser, server] = await Promise.all([launchChromium(), startSampleServer(directory)])
  context = await openContext(browser)
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

describe('the page', () => {
  let view: TestPage
  beforeAll(async () => {
    view = await openPage(context, server.url)
    await view.page.goto(server.url)
  })
  /** As the browser's own history does it: the page itself stays. */
  const visit = (link: string) =>
    view.page.evaluate((url) => {
      window.history.pushState(null, '', url)
      window.dispatchEvent(new PopStateEvent('popstate'))
    }, `/${link}`)
  const open = async (link: string) => {
    await visit(link)
    await view.page.getByRole('tree').first().waitFor()
    return view.page
  }

  it('shows the graph, its header and the state of the backend, and asks nobody else for anything', async () => {
    const page = await open('')
    expect(await page.getByTestId('flametrail-header').innerText()).toContain('12 % of stacks end early')
    expect(await page.getByTestId('flametrail-status').innerText()).toMatch(
      /^2 hosts · 3 services · last sample \d s ago$/,
    )
    expect(await page.getByTestId('flametrail-series').getByText('postgres').innerText()).toBe('postgres')
    expect(view.complaints).toEqual([])
  })

  it('opens exactly what the link says', async () => {
    const link = '?query={service_name="shop"}&from=1700000000000&to=1700000600000&view=iceberg&theme=light'
    const before = server.asked.length
    const { page } = await openPage(context, server.url)
    await page.goto(`${server.url}/${link}`)
    await page.getByRole('tree').first().waitFor()
    expect(await page.getByLabel('Selector', { exact: true }).inputValue()).toBe('{service_name="shop"}')
    expect(await page.getByRole('tab', { selected: true }).innerText()).toBe('Iceberg')
    const iceberg = server.asked.slice(before).find(({ route }) => route === 'iceberg')
    expect(iceberg?.body).toMatchObject({
      query: '{service_name="shop"}',
      from: '2023-11-14T22:13:20.000Z',
      to: '2023-11-14T22:23:20.000Z',
    })
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).not.toBe(
      'rgb(17, 18, 23)',
    )
    // The page behind it would get a frame a second at most, and strokes wait for frames.
    await page.close()
  })

  it('asks for the diff with its own baseline', async () => {
    const before = server.asked.length
    await open(
      '?view=diff&from=1700000600000&to=1700000900000&baselineFrom=1700000000000&baselineTo=1700000300000',
    )
    await view.page.getByTestId('flametrail-changes').waitFor()
    const diff = server.asked.slice(before).find(({ route }) => route === 'diff')
    expect(diff?.body).toMatchObject({
      baseline: { query: '{}', from: '2023-11-14T22:13:20.000Z', to: '2023-11-14T22:18:20.000Z' },
      comparison: { query: '{}', from: '2023-11-14T22:23:20.000Z', to: '2023-11-14T22:28:20.000Z' },
      view: 'flame',
    })
    expect(await view.page.getByTestId('flametrail-changes').innerText()).toMatch(
      /checksum\s+\+\d+\.\d pt worse/,
    )
  })

  it('goes from view to view and back by the browser, keeping it all in the address', async () => {
    const page = await open('?from=now-30m')
    await page.getByRole('tab', { name: 'Diff' }).click()
    await page.getByTestId('flametrail-changes').waitFor()
    expect(new URL(page.url()).search).toBe('?from=now-30m&view=diff')
    await page.goBack()
    await page.getByRole('tab', { name: 'Flame graph', selected: true }).waitFor()
  })

  const HOUR = '?from=1700000000000&to=1700003600000'
  /** Draws from one share of the chart's width to another. */
  const drag = async (fromShare: number, toShare: number, key?: 'Shift') => {
    const { page } = view
    const chart = page.locator('[data-testid=flametrail-series] .u-over')
    // A hand hovers before it presses; the chart listens for strokes from the first hover on.
    await chart.hover()
    const { x, y, width, height } = await settledBox(chart)
    if (key !== undefined) await page.keyboard.down(key)
    await page.mouse.move(x + width * fromShare, y + height / 2)
    await page.mouse.down()
    await page.mouse.move(x + width * toShare, y + height / 2, { steps: 4 })
    await page.mouse.up()
    if (key !== undefined) await page.keyboard.up(key)
  }
  const param = (name: string) => new URL(view.page.url()).searchParams.get(name)
  /** Minutes of the hour that a parameter names, to the half of one: a pixel is three seconds. */
  const minuteOf = (name: string) => Math.round((Number(param(name)) - 1_700_000_000_000) / 30_000) / 2

  it('takes a stroke over the chart as the range of the graph, and a second one with Shift as a diff', async () => {
    const page = await open(HOUR)
    const chip = page.getByTestId('flametrail-ranges')
    const before = server.asked.length
    await drag(0.25, 0.5)
    await page.waitForURL((url) => url.searchParams.has('graphFrom'))
    expect([param('from'), minuteOf('graphFrom'), minuteOf('graphTo')]).toEqual(['1700000000000', 15, 30])
    await chip.getByText(/^Graph 2023-11-14/).waitFor()
    await expect.poll(() => server.asked.slice(before).some(({ route }) => route === 'flame')).toBe(true)
    // The chart was not asked anew: it stays as it was.
    expect(server.asked.slice(before).some(({ route }) => route === 'series')).toBe(false)

    await drag(0.75, 0.9, 'Shift')
    await page.getByTestId('flametrail-changes').waitFor()
    expect(['baselineFrom', 'baselineTo', 'graphFrom', 'graphTo'].map(minuteOf)).toEqual([15, 30, 45, 54])
    const diff = server.asked.findLast(({ route }) => route === 'diff')
    const sides = diff?.body as Record<'baseline' | 'comparison', { from: string }>
    expect(sides.baseline.from < sides.comparison.from).toBe(true)
    expect(await chip.innerText()).toMatch(/Baseline 2023-11-14.*Comparison 2023-11-14/s)
    await page.goBack()
    await page.getByRole('tab', { name: 'Flame graph', selected: true }).waitFor()
    expect([minuteOf('graphFrom'), param('baselineFrom')]).toEqual([15, null])
  })

  it('moves an end of the range by keys and by hand, and lets go of it', async () => {
    const page = await open(`${HOUR}&graphFrom=1700000900000&graphTo=1700001800000`)
    const start = page.getByRole('slider', { name: 'Start of the graph' })
    await start.focus()
    await page.keyboard.press('ArrowLeft')
    await expect.poll(() => param('graphFrom')).toBe('1700000890000')
    await page.keyboard.press('Home')
    await expect.poll(() => param('graphFrom')).toBe('1700000000000')
    const { x, y, width, height } = await settledBox(page.getByRole('slider', { name: 'End of the graph' }))
    const chart = await settledBox(page.locator('[data-testid=flametrail-series] .u-over'))
    await page.mouse.move(x + width / 2, y + height / 2)
    await page.mouse.down()
    await page.mouse.move(chart.x + chart.width * 0.75, y + height / 2, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => minuteOf('graphTo')).toBe(45)
    expect(param('from')).toBe('1700000000000')
    await page.getByRole('button', { name: 'Clear the range: Graph' }).click()
    await expect.poll(() => param('graphFrom')).toBe(null)
    expect(await page.getByRole('slider').count()).toBe(0)
  })

  /** Drops files on the page as a hand does. */
  const drop = (files: readonly { readonly name: string; readonly bytes: readonly number[] }[]) =>
    view.page.evaluate((given) => {
      const dataTransfer = new DataTransfer()
      for (const { name, bytes } of given) dataTransfer.items.add(new File([new Uint8Array(bytes)], name))
      document.body.dispatchEvent(
        new DragEvent('dragover', { dataTransfer, bubbles: true, cancelable: true }),
      )
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
    }, files)

  it('opens a dropped pprof without a question to the backend, and gives the page back when it is closed', async () => {
    const page = await open(HOUR)
    const head = { type: CPU, period: 1, timeMs: 1_700_000_000_000, durationMs: 60_000 }
    const limits = { samplesMax: 9, stackDepth: 9, stringBytes: 99 }
    const profile = parseFolded(DROPPED, { head, labels: [], limits })
    const bytes = gzipSync(encodePprof((profile as { readonly value: Profile }).value, head))
    const before = server.asked.length
    await drop([{ name: 'x.pb.gz', bytes: [...bytes] }])
    await page.getByTestId('flametrail-file').getByText('file x.pb.gz').waitFor()
    await page.getByRole('button', { name: '<img src=x onerror=alert(1)>' }).waitFor()
    expect(await page.getByTestId('flametrail-header').innerText()).toMatch(
      /3 samples.*CPU.*2023-11-14 22:13:20/s,
    )
    await page.getByRole('tab', { name: 'Iceberg' }).click()
    await expect
      .poll(() => page.getByTestId('flametrail-reading-rule').innerText())
      .toMatch(/by their own time/)
    expect(server.asked.slice(before).filter(({ route }) => route !== 'status')).toEqual([])
    await page.getByRole('button', { name: 'Close the file' }).click()
    await page.getByTestId('flametrail-series').waitFor()
    expect(view.complaints).toEqual([])
  })

  it('says why it does not open a file, by the sentence of whoever read it', async () => {
    const page = await open(HOUR)
    const input = page.getByTestId('flametrail-file-input')
    const refusal = page.getByTestId('flametrail-refusal')
    await input.setInputFiles({ name: 'notes.txt', mimeType: '', buffer: Buffer.from('dear diary') })
    await refusal.getByText(/notes\.txt: line 1: "dear diary" must end in a space and a number/).waitFor()
    await drop([
      { name: 'a', bytes: [1] },
      { name: 'b', bytes: [2] },
    ])
    await refusal.getByText('2 files came; one can be opened at a time.').waitFor()
    expect(await page.getByRole('tree').count()).toBe(1)
    await refusal.getByRole('button').click()
    await refusal.waitFor({ state: 'detached' })
    await input.setInputFiles({ name: 'a.folded', mimeType: '', buffer: Buffer.from('main;work 3') })
    await page.getByText('file a.folded').waitFor()
    expect(await refusal.count()).toBe(0)
    await page.getByRole('button', { name: 'Close the file' }).click()
  })

  it('keeps zoom, search and orientation in the address, and opens what such a link says', async () => {
    const page = await open(HOUR)
    const crumbs = (of = page) => of.getByTestId('flametrail-crumbs').locator('[aria-current]').innerText()
    const search = page.getByRole('searchbox')
    await search.fill('serveRequest')
    await search.press('Enter')
    await page.keyboard.press('Enter')
    await page.keyboard.press('o')
    await expect.poll(crumbs).toBe('serveRequest')
    await expect
      .poll(() => [param('s'), param('o'), param('zoom')?.split('>').at(-1)])
      .toEqual(['serveRequest', 'icicle', 'serveRequest'])
    const other = await openPage(context, server.url)
    await other.page.goto(page.url())
    await expect.poll(() => crumbs(other.page)).toBe('serveRequest')
    expect(await other.page.getByRole('searchbox').inputValue()).toBe('serveRequest')
    expect(await other.page.getByTestId('flametrail-reading-rule').innerText()).toMatch(/top/)
    await other.page.close()
    // What the browser's own history brings is shown as well.
    await visit(`${HOUR}&s=checksum`)
    await expect.poll(() => search.inputValue()).toBe('checksum')
    await expect.poll(crumbs).toBe('total')
    // Looking closer is no step that one would go back by.
    await search.fill('memmove')
    await expect.poll(() => param('s')).toBe('memmove')
    await page.getByRole('tab', { name: 'Iceberg' }).click()
    await page.getByRole('tab', { name: 'Iceberg', selected: true }).waitFor()
    expect(await search.inputValue()).toBe('memmove')
    expect(view.complaints).toEqual([])
  })

  it('copies a link with absolute times, both ranges and the picture', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    const page = await open('?from=now-1h&graphFrom=1700000900000&graphTo=1700001800000&s=memmove&refresh=5m')
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText()))
    const { from, to, ...rest } = Object.fromEntries(link.searchParams)
    expect(Math.round((Number(to) - Number(from)) / 1_000)).toBe(3_600)
    expect(rest).toEqual({ graphFrom: '1700000900000', graphTo: '1700001800000', s: 'memmove' })
  })

  it('has no objection of axe against ranges, handles and a file', async () => {
    const page = await open(`${HOUR}&graphFrom=1700000900000&graphTo=1700001800000`)
    await addAxe(page)
    const objections = (place: string) => axeObjections(page, place, 3)
    expect(await objections('[data-testid=flametrail-ranges]')).toEqual([])
    expect(await objections('[data-testid=flametrail-mark-graph]')).toEqual([])
    const buffer = Buffer.from('main;work 3')
    await page.getByTestId('flametrail-file-input').setInputFiles({ name: 'a.folded', mimeType: '', buffer })
    await page.getByTestId('flametrail-file').waitFor()
    expect(await objections('[data-testid=flametrail-file]')).toEqual([])
    await page.getByRole('button', { name: 'Close the file' }).click()
  })

  it('changes its theme without a new question, and remembers it in the address', async () => {
    const page = await open('')
    const color = () =>
      page.evaluate(() => getComputedStyle(document.querySelector('header')!).backgroundColor)
    const dark = await color()
    const asked = server.asked.filter(({ route }) => route === 'flame').length
    await page.getByRole('button', { name: 'Use the light theme' }).click()
    await page.getByRole('button', { name: 'Use the dark theme' }).waitFor()
    expect(await color()).not.toBe(dark)
    expect(new URL(page.url()).search).toBe('?theme=light')
    expect(view.complaints).toEqual([])
    expect(server.asked.filter(({ route }) => route === 'flame').length).toBe(asked)
  })

  it('completes a selector by keyboard alone, and asks with it', async () => {
    const page = await open('')
    const box = page.getByLabel('Selector', { exact: true })
    await box.focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.type('serv')
    await page.getByRole('option', { name: /service_name/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.type('=')
    await page.getByRole('option', { name: /^billing/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Escape')
    const asking = page.waitForRequest((request) => request.url().endsWith('/flame'))
    await page.keyboard.press('Enter')
    expect((await asking).postDataJSON()).toMatchObject({ query: '{service_name="billing"}' })
  })

  it('underlines the place of an error, and shows the sentence of the backend', async () => {
    await visit('?query={service_name=')
    const sentence = await view.page.getByTestId('flametrail-error').innerText()
    expect(sentence).toMatch(/at 14/)
    expect(await view.page.getByLabel('Selector', { exact: true }).getAttribute('aria-invalid')).toBe('true')
    expect(await view.page.getByRole('tree').count()).toBe(0)
  })

  it('lets someone in who brings the token, and no one else; a file needs none', async () => {
    server.requireToken('flt_good')
    await visit('?from=now-5m')
    const token = view.page.getByLabel('Token', { exact: true })
    await token.waitFor()
    await drop([{ name: 'a.folded', bytes: [...Buffer.from('main;work 3')] }])
    await view.page.getByText('file a.folded').waitFor()
    await view.page.getByRole('button', { name: 'Close the file' }).click()
    await token.fill('flt_bad')
    await view.page.getByRole('button', { name: 'Open' }).click()
    await view.page.getByText('this token is unknown or has expired').waitFor()
    await token.fill('flt_good')
    await view.page.getByRole('button', { name: 'Open' }).click()
    await view.page.getByRole('tree').first().waitFor()
  })
})

describe('the built data source, in the host that the page is', () => {
  it('fails target by target, names what it asks, and says when a range was widened', async () => {
    const { page } = await openPage(context, server.url)
    await page.goto(server.url)
    await page.getByRole('tree').first().waitFor()
    const before = server.asked.length
    const answer = await page.evaluate(askDataSource)
    expect(answer).toEqual({
      state: 'Error',
      names: ['shop', 'postgres', 'billing', 'response'],
      refIds: ['A', 'A', 'A', 'A'],
      errors: [{ refId: 'B', status: 400, position: 14, isFirst: true }],
      notices: [
        'The range is shorter than the 10 s that samples are added up over: whole windows around it are shown.',
      ],
    })
    const asked = server.asked.slice(before).filter(({ route }) => route === 'flame' || route === 'series')
    const range = { from: '2023-11-14T22:13:10.000Z', to: '2023-11-14T22:13:40.000Z' }
    for (const { body } of asked.filter((one) => one.body.query === '{host="a"}'))
      expect(body).toMatchObject(range)
    expect(asked.map(({ route }) => route).sort()).toEqual(['flame', 'flame', 'series'])
  })
})

/** Runs in the page: a query of two targets to the data source as Grafana would make it. */
async function askDataSource() {
  // biome-ignore lint/suspicious/noExplicitAny: the page's own loader has no types here
  const { plugin } = await (window as any).System.import(
    new URL('plugin/datasource/module.js', document.baseURI).href,
  )
  const settings = { id: 2, uid: 'test', name: 'test', type: 'test', url: '', jsonData: {} }
  const source = new plugin.DataSourceClass(settings)
  const request = {
    requestId: 'Q1',
    app: 'explore',
    intervalMs: 10_000,
    scopedVars: {},
    range: { from: 1_700_000_000_000, to: 1_700_000_000_200 },
    targets: [
      { refId: 'A', queryType: 'both', labelSelector: '{host="a"}' },
      { refId: 'B', queryType: 'profile', labelSelector: '{service_name=' },
      { refId: 'C', queryType: 'profile', hide: true },
    ],
  }
  // biome-ignore lint/suspicious/noExplicitAny: an answer of Grafana's shape, read field by field below
  const response: any = await new Promise((resolve, reject) =>
    source.query(request).subscribe({ next: resolve, error: reject }),
  )
  const { data, errors, error, state } = response
  const named = (field: string) => data.map((frame: Record<string, unknown>) => frame[field])
  return {
    state,
    names: named('name'),
    refIds: named('refId'),
    errors: errors.map((one: typeof error) => ({
      refId: one.refId,
      status: one.status,
      position: one.data?.position,
      isFirst: one === error,
    })),
    notices: data
      .flatMap(
        (frame: { meta?: { notices?: { severity: string; text: string }[] } }) => frame.meta?.notices ?? [],
      )
      .filter(({ severity }: { severity: string }) => severity === 'info')
      .map(({ text }: { text: string }) => text),
  }
}
