// What has axe, the checker of accessibility, against a part of a page?
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

/** Puts axe into a page; once, before it is asked. */
export const addAxe = (page: Page) =>
  page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') })

/** "rule: the element's HTML", one for each objection.
 *  in      passesMin  rules that must have passed: fewer mean that there was hardly anything to look at
 *  throws  if they are fewer */
export const axeObjections = (page: Page, selector: string, passesMin: number): Promise<string[]> =>
  page.evaluate(
    async ([place, least]) => {
      // biome-ignore lint/suspicious/noExplicitAny: axe puts itself on the window, without a type.
      const { violations, passes } = await (window as any).axe.run(place)
      if (passes.length < least)
        throw new Error(`axe looked at hardly anything: ${passes.length} rules passed`)
      return violations.map(
        (one: { id: string; nodes: { html: string }[] }) => `${one.id}: ${one.nodes[0]?.html}`,
      )
    },
    [selector, passesMin] as const,
  )
