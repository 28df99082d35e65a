import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseSettings } from '#profile/settings/parse'
import { cgroupMount, createParts, SettingError } from './parts.ts'
import { AGENT_SETTINGS } from './settings.ts'

const work = mkdtempSync(path.join(tmpdir(), 'flametrail-parts-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** What `createParts` says of these flags; nothing is loaded, because every flag here is wrong. */
function refusal(...argv: string[]): string {
  const parsed = parseSettings(AGENT_SETTINGS, { argv, env: {}, file: undefined })
  if (!parsed.ok) return parsed.error.message
  try {
    createParts(parsed.value.values)
  } catch (error) {
    if (error instanceof SettingError) return error.message
    throw error
  }
  return 'accepted'
}

describe('createParts', () => {
  it.each([
    [['--metrics-listen', '0.0.0.0:4041'], 'loopback'],
    [['--backend', 'not a url'], 'not a url'],
    [['--token-file', '/nonexistent/token'], 'cannot read the token'],
    [['--exclude-cgroup', '/no/such.slice'], '--exclude-cgroup /no/such.slice'],
    [['--frequency', '500'], '--frequency 500'],
    [['--window', '1h'], '--window 1h'],
  ])('refuses %j in a sentence', (argv, part) => {
    expect(refusal(...argv)).toContain(part)
  })

  it('refuses a token file that holds none, or more than a token', () => {
    const file = path.join(work, 'token')
    writeFileSync(file, '\n')
    expect(refusal('--token-file', file)).toContain('holds 0 characters')
    writeFileSync(file, 'x'.repeat(5000))
    expect(refusal('--token-file', file)).toContain('holds 5000 characters')
  })
})

describe('cgroupMount', () => {
  it('finds the v2 hierarchy, also beside older ones', () => {
    const text = [
      '22 28 0:6 / /proc rw,nosuid - proc proc rw',
      '30 23 0:26 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu',
      '31 23 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw',
    ].join('\n')
    expect(cgroupMount(text)).toBe('/sys/fs/cgroup/unified')
  })

  it.each(['', 'x', '30 23 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw'])('finds none in %j', (text) => {
    expect(cgroupMount(text)).toBeUndefined()
  })
})
