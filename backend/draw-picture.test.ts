import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { treeFromStacks } from '#profile/testing/draw'
import { diffTrees } from '#profile/tree/diff'
import type { AnswerMeta } from '#profile/wire/query-api'
import { createDrawPicture } from './draw-picture.ts'
import type { PictureOf } from './query/query-service.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'flametrail-page-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const pages = pathToFileURL(`${directory}/`)

const META: AnswerMeta = {
  type: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
  unit: 'nanoseconds',
  fromMs: Date.UTC(2026, 10, 24, 10),
  toMs: Date.UTC(2026, 10, 24, 11),
  samples: 812,
  endEarly: 0.034,
  unnamed: 0,
  nodes: { sent: 3, folded: 0 },
  sampleProfile: true,
  coverage: { unreadable: ['2026-11-24T10.duckdb'] },
  tookMs: 1,
}
const TREE = treeFromStacks('main main\nread work')
const PICTURE: PictureOf = { format: 'svg', view: 'flame', tree: TREE, query: '{a="<b>"}', meta: META }

describe('createDrawPicture', () => {
  it('writes what one must know of the numbers under the title', () => {
    const svg = createDrawPicture(pages)(PICTURE)
    expect(svg).toMatch(/^<\?xml/)
    const facts = [
      '{a="&lt;b&gt;"} · 2026-11-24T10:00:00Z to 2026-11-24T11:00:00Z · 812 samples · 3.4 % of stacks end early',
      '1 store files could not be read',
      'holds the SAMPLE profile, which nobody measured',
    ]
    const said = svg.replaceAll('&quot;', '"')
    for (const fact of facts) expect(said).toContain(fact)
  })

  it('names both sides of a diff', () => {
    const tree = diffTrees({ baseline: TREE, comparison: treeFromStacks('main\nread') })
    const svg = createDrawPicture(pages)({ ...PICTURE, tree, baseline: { query: '{v="1"}', meta: META } })
    const said = svg.replaceAll('&quot;', '"')
    expect(said).toContain('baseline {v="1"} · ')
    expect(said).toContain('comparison {a="&lt;b&gt;"} · ')
  })

  it('says how to get pages where they are not built, and carries the script where they are', () => {
    const page = { ...PICTURE, format: 'html' } as const
    expect(() => createDrawPicture(pages)(page)).toThrow('built without the script of HTML pages')
    writeFileSync(path.join(directory, 'html-page.js'), 'let x = 1')
    writeFileSync(path.join(directory, 'html-page.css'), 'a{}')
    expect(createDrawPicture(pages)(page)).toContain('<script>let x = 1</script>')
  })
})
