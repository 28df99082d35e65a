// The system's Chromium for every test that looks at a page: one way to start it, quiet about the world outside.
import { type Browser, chromium, type LaunchOptions, type Locator } from 'playwright-core'

/** How Chromium is started: the system's own (FLAMETRAIL_CHROMIUM names another), as root, without its own errands. */
export const CHROMIUM: LaunchOptions = {
  executablePath: process.env.FLAMETRAIL_CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}

export const launchChromium = (): Promise<Browser> => chromium.launch(CHROMIUM)

/** Where an element stands once it has stopped moving: equal in three frames in a row. Layout follows data by a frame or
 *  more on a busy machine, and a click between the two would hit what was there before. */
export async function settledBox(element: Locator) {
  await element.waitFor({ state: 'attached' })
  for (let last = '', equal = 0; ; ) {
    const box = await element.boundingBox()
    equal = box !== null && JSON.stringify(box) === last ? equal + 1 : 0
    if (box !== null && equal === 3) return box
    last = JSON.stringify(box)
    await element.page().evaluate(() => new Promise(requestAnimationFrame))
  }
}
