// Does pprof itself read what we write, and do we read what Go wrote? `go tool pprof` is the second opinion; where no Go is
// installed these tests say that they were skipped.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Profile } from '../model/profile.ts'
import { arbProfile } from '../testing/arbitrary.ts'
import { framesOfStack, sumOf } from './otlp-testing.ts'
import { encodePprof } from './pprof.ts'
import { arbPprofProfile, decode, meaningOf } from './pprof-testing.ts'

const GO = ['/usr/local/go/bin/go', '/usr/lib/go/bin/go'].find(existsSync)
const FIRST_MS = 120_000 // the first `go tool pprof` on a machine compiles it
const title = `go tool pprof${GO === undefined ? ' (skipped: no Go in /usr/local/go or /usr/lib/go)' : ''}`

describe.skipIf(GO === undefined)(title, () => {
  let folder = ''
  const pprof = (...args: string[]) =>
    execFileSync(GO!, ['tool', 'pprof', '-symbolize=none', ...args], {
      cwd: folder,
      maxBuffer: 2 ** 28,
      env: { ...process.env, PPROF_TMPDIR: folder, GOFLAGS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'pprof-'))
    // Names of letters that stand in any line of text; hundreds of samples.
    const [profile] = fc.sample(arbProfile({ samples: 400, depth: 8 }), { numRuns: 1, seed: 7 })
    writeFileSync(path.join(folder, 'drawn.pb'), encodePprof(profile!, { timeMs: 1_700_000_000_000 }))
    pprof('-raw', 'drawn.pb')
  }, FIRST_MS)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const drawnProfile = () => decode(readFileSync(path.join(folder, 'drawn.pb'))).profiles[0]!

  it('-raw finds the same sum, and the same frames and values for five stacks drawn', () => {
    const profile = drawnProfile()
    const raw = readRaw(pprof('-raw', 'drawn.pb').toString())
    expect(raw.types).toBe('samples/count cpu/nanoseconds')
    const ours = sumOf([profile], (one, row) => namesOf(one, one.samples.stack[row]!))
    expect(raw.sum).toBe([...ours.values()].reduce((sum, value) => sum + value, 0))
    expect(raw.sum).toBeGreaterThan(0)
    expect(ours.size).toBeGreaterThan(5)
    for (const stack of fc.sample(fc.constantFrom(...ours.keys()), 5))
      expect([stack, raw.sums.get(stack)]).toEqual([stack, ours.get(stack)])
  })

  it('-top knows the total and names the functions', () => {
    const total = drawnProfile().samples.value.reduce((sum, value) => sum + value, 0)
    const top = pprof('-top', '-unit=ns', 'drawn.pb').toString()
    expect(top).toContain('Type: cpu\n')
    expect(top).toMatch(/Total samples = [\d.]+/)
    expect(top).toContain(`of ${total}ns total`)
    expect(top).toMatch(/ std::vec<u8>::push( |$)/m)
  })

  it('-proto writes a file of its own, which means the same to us', () => {
    fc.assert(
      fc.property(arbPprofProfile, (profile) => {
        const { samples } = profile
        fc.pre(samples.value.some((value) => value > 0))
        writeFileSync(path.join(folder, 'ours.pb'), encodePprof(profile))
        const [ours] = decode(readFileSync(path.join(folder, 'ours.pb'))).profiles
        pprof('-proto', '-output=theirs.pb.gz', 'ours.pb')
        const [theirs] = decode(gunzipSync(readFileSync(path.join(folder, 'theirs.pb.gz')))).profiles
        expect(foreign(theirs!)).toEqual(foreign(ours!))
      }),
      { numRuns: 5 },
    )
  })

  it('and we agree on the profile that ships with Go', () => {
    const file = path.join(path.dirname(path.dirname(GO!)), 'src/cmd/compile/default.pgo')
    const { profiles, warnings, cut } = decode(gunzipSync(readFileSync(file)))
    expect([profiles.length, warnings, cut]).toEqual([1, [], []])
    const raw = readRaw(pprof('-raw', file).toString())
    const ours = sumOf(profiles, (one, row) => namesOf(one, one.samples.stack[row]!))
    expect(ours.size).toBeGreaterThan(5_000)
    expect([...ours].filter(([stack, sum]) => raw.sums.get(stack) !== sum).slice(0, 3)).toEqual([])
    expect(raw.sums.size).toBe(ours.size)
  })
})

/** Names of a stack, leaf first, as -raw shows them: an address where there is no function. */
function namesOf(profile: Profile, stack: number): string {
  const frames = framesOfStack(profile, stack).map((frame) => {
    const [, names = '', address = ''] = /^(.*) \S* (\d+)$/s.exec(frame) ?? []
    return names === '' ? `0x${BigInt(address).toString(16)}` : names.replaceAll('|', ';')
  })
  return frames.join(';')
}

/** The sums of -raw's last column by stack, as `namesOf` names them. */
function readRaw(text: string) {
  const [head = '', rest = ''] = text.split('\nLocations\n')
  const [locations = ''] = rest.split('\nMappings\n')
  const namesById = new Map<string, string>()
  let id = ''
  for (const line of locations.split('\n')) {
    // `   12: 0x1f M=1 name file:3:0 s=0`, or the same without the first two for the callers of what is inlined.
    const start = /^\s*(\d+): 0x([0-9a-f]+) (?:M=\d+ )?(?:\[F\] )?/.exec(line)
    const name = line
      .slice(start?.[0].length ?? 0)
      .trim()
      .replace(/ [^ ]*:\d+(:\d+)? s=\d+$/, '')
    if (start === null) namesById.set(id, `${namesById.get(id)};${name}`)
    else {
      id = start[1]!
      namesById.set(id, name === '' ? `0x${start[2]}` : name)
    }
  }
  const sums = new Map<string, number>()
  let [sum, types] = [0, '']
  const samples = head.slice(head.indexOf('\nSamples:\n') + '\nSamples:\n'.length)
  for (const [i, line] of samples.split('\n').entries()) {
    if (i === 0) types = line.replace('[dflt]', '').trim()
    const [, value, ids] = /^\s*(?:\d+\s+)?(\d+): ([\d ]*)$/.exec(line) ?? []
    if (value === undefined) continue
    const stack = ids!
      .trim()
      .split(' ')
      .filter(Boolean)
      .map((one) => namesById.get(one)!)
      .join(';')
    sums.set(stack, (sums.get(stack) ?? 0) + Number(value))
    sum += Number(value)
  }
  return { types, sums, sum }
}

/** What a profile means to a tool that knows neither kinds nor names of types. */
const foreign = (profile: Profile) => {
  const strings = profile.strings
  const kind = new Uint32Array(profile.locations.kind.length)
  return meaningOf({
    ...profile,
    strings,
    type: { ...profile.type, name: 'any' },
    locations: { ...profile.locations, kind },
  })
}
