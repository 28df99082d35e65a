import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { namesOf, type ObjectSpec, offsetOf, parseObjectSpec } from '../kernel/object-spec.ts'

const work = mkdtempSync(path.join(tmpdir(), 'flametrail-build-'))
const script = path.join(import.meta.dirname, 'build.mjs')
const build = (out: string, env: NodeJS.ProcessEnv = process.env) =>
  spawnSync(process.execPath, [script, out], { encoding: 'utf8', env, cwd: tmpdir() })

function specOf(arch: string): ObjectSpec {
  const parsed = parseObjectSpec(readFileSync(path.join(work, `${arch}.json`), 'utf8'))
  if (!parsed.ok) throw new Error(parsed.error.message)
  return parsed.value
}

describe('the build of the BPF object', () => {
  beforeAll(() => {
    const { status, stderr } = build(work)
    expect(status, stderr).toBe(0)
  })
  afterAll(() => {
    rmSync(work, { recursive: true, force: true })
  })

  it.each(['x64', 'arm64'])(
    'writes a manifest for %s that the agent accepts and that fits its bytes',
    (arch) => {
      const spec = specOf(arch)
      const blob = readFileSync(path.join(work, `${arch}.bin`))
      expect(spec.arch).toBe(arch)
      expect(blob.length).toBe(spec.loaderBytes + spec.dataBytes)
      expect(spec.sha256).toBe(createHash('sha256').update(blob).digest('hex'))
      expect(spec.maps.map(({ name }) => name)).toEqual([
        ...['config', 'cgroups', 'procs', 'vmas', 'pages', 'rules', 'rows', 'pythons', 'python_threads'],
        ...['scratch', 'snapshots', 'counters', 'samples', 'events'],
      ])
      const rows = spec.maps.find(({ name }) => name === 'rows')
      expect(rows?.inner).toEqual({ type: 2, entries: 64, flags: 0, keyBytes: 4, valueBytes: 16384 })
    },
  )

  it('finds layouts and names in the types of the object, the same on every architecture', () => {
    expect(specOf('arm64').abi).toBe(specOf('x64').abi)
    expect(offsetOf(specOf('x64'), 'record', 'time_ns')).toBe(24)
    expect(specOf('x64').structs.counters!.fields.dropped).toEqual({ offset: 24, size: 128, count: 16 })
    expect(namesOf(specOf('x64'), 'stop_reason')).toEqual([
      ...['fp_zero', 'depth', 'bad_fp', 'read_fault', 'pc_zero', 'kthread', 'compat32', 'no_regs'],
      ...['root', 'no_mapping', 'unknown', 'copy_ended'],
    ])
    expect(namesOf(specOf('x64'), 'drop_reason')).toEqual(['none', 'filtered', 'ring_full', 'no_scratch'])
  })

  it('makes the same bytes again, and leaves no path of this machine in them', () => {
    const again = mkdtempSync(path.join(work, 'again-'))
    expect(build(again).status).toBe(0)
    const blob = readFileSync(path.join(work, 'x64.bin'))
    expect(readFileSync(path.join(again, 'x64.bin')).equals(blob)).toBe(true)
    for (const place of [import.meta.dirname, tmpdir()]) expect(blob.includes(place)).toBe(false)
  })

  it('names the packages that are missing, and how to get them', () => {
    const { status, stderr } = build(work, { PATH: '/nonexistent' })
    expect(status).toBe(1)
    expect(stderr).toMatch(/needs clang.*; on Debian, as root: apt-get install -y clang/)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
