import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { TreeAnswer } from '#profile/wire/query-api'
import { eventually, freePort, program, start, stop } from './stream.ts'

it('serves a marked sample profile to a user who may not load BPF, and says what is missing', async () => {
  const port = await freePort()
  const directory = mkdtempSync(path.join(tmpdir(), 'flametrail-powerless-'))
  // Root without a single capability: may read the checkout, may not load BPF.
  const powerless = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
  const words = ['up', '--listen', `127.0.0.1:${port}`, '--data-directory', path.join(directory, 'data')]
  const up = start([...powerless, process.execPath, program('cli'), ...words], {
    cwd: directory,
    env: { HOME: directory },
  })
  try {
    const flame = await eventually('the sample profile', 30_000, async () => {
      const request = { query: '{}', from: 'now-15m' }
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/flame`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      })
      const answer = (await response.json()) as TreeAnswer
      return answer.meta.samples > 0 ? answer : undefined
    })
    expect(flame.meta.sampleProfile).toBe(true)
    expect(flame.frames.name).toContain('apply_discounts')
    await eventually('the words', 5_000, () => (up.stderr().includes('SAMPLE PROFILE') ? true : undefined))
    expect(up.stderr()).toMatch(/CAP_BPF|BPF/)
    expect(up.stderr()).not.toMatch(/\n\s+at /) // no stack trace
  } finally {
    expect(await stop(up), up.stderr()).toBe(0)
  }
})
