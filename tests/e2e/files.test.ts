// Profiles as files, through the built programs: import into a real backend, export from it, `go tool pprof` on its
// address, and the exit codes of diff. No agent runs, so every number is known.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { profileFromText } from '#profile/testing/draw'
import { encodePprof } from '#profile/wire/pprof'
import type { TreeAnswer } from '#profile/wire/query-api'
import { flametrail, type Stream, startStream } from './stream.ts'

const GO = ['/usr/local/go/bin/go', '/usr/bin/go'].find((file) => existsSync(file))
const HOSTILE = '<img onerror=x>|`;rm'

let directory: string
const file = (name: string) => path.join(directory, name)
const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(file(name), content)
  return file(name)
}
const pprofOf = (read: number, work: number) =>
  new Uint8Array(
    gzipSync(
      encodePprof(
        profileFromText(`main main\nread work\n${String(read).padEnd(4)} ${work}`, {
          period: 10_000_000,
          timeMs: Date.now() - 60_000,
        }),
      ),
    ),
  )

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'flametrail-files-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a backend without an agent', () => {
  let stream: Stream
  beforeAll(async () => {
    stream = await startStream()
  })
  afterAll(() => stream[Symbol.asyncDispose]())
  const backend = () => ['--backend', stream.url]
  /** name → own value, of all that a selector finds. */
  async function selves(query: string) {
    const tree = await stream.query<TreeAnswer>('flame', { query, from: 'now-1h', to: 'now' })
    return {
      samples: tree.meta.samples,
      self: Object.fromEntries(
        tree.frame.flatMap((frame, i) =>
          tree.self[i]! > 0 ? [[tree.frames.name[frame], tree.self[i]]] : [],
        ),
      ),
    }
  }

  it('takes pprof, and gives it back in every format, from where it can be imported again', async () => {
    const source = write('shop.pb.gz', pprofOf(30, 10))
    const imported = await flametrail('import', source, '--label', 'zone=a', ...backend())
    expect(imported, imported.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(imported.stdout).toContain('pprof')
    expect(imported.stdout).toContain('service_name=shop zone=a')
    const truth = { samples: 40, self: { read: 300_000_000, work: 100_000_000 } }
    expect(await selves('{service_name="shop",zone="a"}')).toEqual(truth)

    const again = await flametrail('import', source, '--label', 'zone=a', ...backend())
    expect(again.code).toBe(0)
    expect(await selves('{service_name="shop"}')).toEqual(truth) // the same bytes are stored once

    for (const ending of ['svg', 'html']) {
      const out = file(`out.${ending}`)
      const exported = await flametrail('export', '{service_name="shop"}', '-o', out, ...backend())
      expect(exported, exported.stderr).toMatchObject({ code: 0, stdout: '' })
      expect(readFileSync(out, 'utf8')).toContain('40 samples')
    }
    for (const ending of ['pb.gz', 'folded', 'otlp', 'json']) {
      const out = file(`out.${ending}`)
      const exported = await flametrail('export', '{service_name="shop"}', '-o', out, ...backend())
      expect(exported, exported.stderr).toMatchObject({ code: 0, stdout: '' })
      const name = `copy-${ending.replace('.', '-')}`
      const back = await flametrail(
        ...['import', out, '--label', `service_name=${name}`, '--time', 'now-5m', '-F', '100'],
        ...backend(),
      )
      expect(back, back.stderr).toMatchObject({ code: 0 })
      expect(await selves(`{service_name="${name}"}`), ending).toEqual(truth)
    }
    expect(readFileSync(file('out.folded'), 'utf8')).toBe('main;read 30\nmain;work 10\n')
  })

  it.skipIf(GO === undefined)('is read by go tool pprof at its address', () => {
    const query = new URLSearchParams({ format: 'pprof', query: '{service_name="shop"}', from: 'now-1h' })
    const text = execFileSync(GO!, ['tool', 'pprof', '-top', `${stream.url}/api/v1/export?${query}`], {
      encoding: 'utf8',
      env: { ...process.env, PPROF_TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    expect(text).toContain('400ms')
    expect(text).toMatch(/300ms\s+75.00%.*read/)
  })

  it('sends a diff as a download by GET, and refuses by field and format', async () => {
    const get = (fields: Record<string, string>) =>
      fetch(`${stream.url}/api/v1/export?${new URLSearchParams(fields)}`)
    const nobody = { 'baseline.query': '{service_name="nobody"}' }
    const svg = await get({ format: 'svg', query: '{service_name="shop"}', ...nobody })
    expect(svg.status).toBe(200)
    expect(svg.headers.get('content-type')).toBe('image/svg+xml')
    expect(svg.headers.get('content-disposition')).toMatch(
      /^attachment; filename="flametrail-diff-shop-\d{8}T\d{6}Z\.svg"$/,
    )
    expect(svg.headers.get('content-security-policy')).toContain('sandbox')
    expect(await svg.text()).toContain('comparison {')
    const wrong = await Promise.all([get({ format: 'png' }), get({}), get({ format: 'json', nodes: '1' })])
    expect(wrong.map(({ status }) => status)).toEqual([400, 400, 400])
    expect(await wrong[0]!.json()).toMatchObject({
      error: { code: 'invalid', message: expect.stringContaining('field format') },
    })
  })

  it('prints folded lines of a diff and of an iceberg on stdout', async () => {
    const iceberg = await flametrail(
      'export',
      '{service_name="shop"}',
      '--view',
      'iceberg',
      '--format',
      'folded',
      ...backend(),
    )
    expect(iceberg.stdout).toBe('read;main 30\nwork;main 10\n')
    const diff = await flametrail(
      'export',
      '{service_name="shop"}',
      '--baseline',
      '{service_name="nobody"}',
      ...backend(),
    )
    expect(diff.stdout).toBe('main;read 0 30\nmain;work 0 10\n')
  })

  it('compares two selectors, and a file with a selector', async () => {
    await flametrail('import', write('shop2.pb.gz', pprofOf(100, 900)), ...backend())
    const selectors = await flametrail(
      ...['diff', '{service_name="shop"}', '{service_name="shop2"}', '--fail-on', '+5pt'],
      ...backend(),
    )
    expect(selectors).toMatchObject({
      code: 1,
      stderr: 'work: self +65.0 pt, more than --fail-on +5pt allows\n',
    })
    const mixed = await flametrail('diff', file('shop2.pb.gz'), '{service_name="shop2"}', ...backend())
    expect(mixed.stdout).toContain('with 1000 samples')
    expect(mixed.code).toBe(0)
    const nothing = await flametrail('diff', file('shop.pb.gz'), '{service_name="nobody"}', ...backend())
    expect(nothing).toMatchObject({ code: 3, stdout: '' })
    expect(nothing.stderr).toContain('{service_name="nobody"}: nothing matches')
  })

  it('says what cannot be imported, and takes the rest', async () => {
    const bad = write('bad.bin', Uint8Array.of(0xff, 0, 1))
    const good = write('good.folded', 'main;work 3\n')
    const run = await flametrail('import', bad, file('missing'), good, ...backend())
    expect(run.code).toBe(1)
    expect(run.stderr).toContain(`${bad}: it is none of pprof, OTLP profiles, folded lines`)
    expect(run.stderr).toContain(`${file('missing')} cannot be read (ENOENT)`)
    expect(run.stdout).toContain('service_name=good')
  })

  it('answers a bad export with a sentence', async () => {
    const run = await flametrail('export', '{', ...backend())
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toContain('query: ')
    const upside = await flametrail('export', '--view', 'iceberg', '-o', file('x.pb.gz'), ...backend())
    expect(upside.stderr).toContain('format pprof holds call stacks of one side, not an iceberg')
    const unknown = await flametrail('export', '-o', file('x.png'))
    expect(unknown).toMatchObject({ code: 2 })
    expect(existsSync(file('x.pb.gz'))).toBe(false)
  })
})

describe('the exit code of diff over files', () => {
  const old = () => write('old.pb.gz', pprofOf(500, 500))
  const diff = (name: string, bytes: Uint8Array | string, ...flags: string[]) =>
    flametrail('diff', old(), write(name, bytes), ...flags)

  it('is 1 on a regression, and names the function', async () => {
    const run = await diff('worse.pb.gz', pprofOf(400, 600), '--fail-on', '+5pt')
    expect(run).toMatchObject({ code: 1, stderr: 'work: self +10.0 pt, more than --fail-on +5pt allows\n' })
    expect(run.stdout).toContain(
      '| `work` |  | 50.0 % → 60.0 % | +10.0 pt | 50.0 % → 60.0 % | +10.0 pt | 500 → 600 |  |',
    )
    const named = await diff('worse.pb.gz', pprofOf(400, 600), '--fail-on', 'work:+5pt')
    expect(named.code).toBe(1)
  })
  it('is 0 on a regression that nobody asked about, or within bounds', async () => {
    expect((await diff('worse.pb.gz', pprofOf(400, 600))).code).toBe(0)
    expect((await diff('worse.pb.gz', pprofOf(400, 600), '--fail-on', '+15pt')).code).toBe(0)
  })
  it('is 0 on an improvement of the function that is watched', async () => {
    const run = await diff('better.pb.gz', pprofOf(600, 400), '--fail-on', 'work:+0pt')
    expect(run).toMatchObject({ code: 0, stderr: '' })
  })
  it('is 0 on noise only, which the table names', async () => {
    const run = await diff('noise.pb.gz', pprofOf(11, 14), '--fail-on', '+5pt')
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/`work`.*\| noise \|/)
  })
  it('is 3 where a file is missing or no profile, and where types differ', async () => {
    const missing = await flametrail('diff', old(), file('nowhere.pb.gz'), '--fail-on', '+5pt')
    expect(missing).toMatchObject({ code: 3, stdout: '' })
    expect(missing.stderr).toContain('nowhere.pb.gz cannot be read (ENOENT)')
    expect((await diff('prose.txt', 'Dear reader,\n')).code).toBe(3)
    expect((await diff('cut.pb.gz', pprofOf(1, 1).subarray(0, 40))).code).toBe(3)
    const heap = {
      name: 'memory',
      sampleType: 'inuse_space',
      sampleUnit: 'bytes',
      periodType: '',
      periodUnit: '',
    }
    const other = await diff('heap.pb', encodePprof(profileFromText('main', { type: heap, period: 0 })))
    expect(other.code).toBe(3)
    expect(other.stderr).toContain('only values of one profile type can be compared')
  })
  it('is 2 on wrong usage', async () => {
    expect((await flametrail('diff', old())).code).toBe(2)
    expect((await flametrail('diff', old(), old(), '--fail-on', '5')).code).toBe(2)
    expect((await flametrail('diff', old(), old(), '--type', 'x')).code).toBe(2)
  })
  it.each(['svg', 'html'])('comes with a picture as %s, whose names are inert', async (ending) => {
    const out = file(`changes.${ending}`)
    const hostile = `${HOSTILE.replace(';', '\\x3b')} 900\n`
    const run = await diff('hostile.folded', hostile, '--fail-on', '+5pt', '-o', out)
    expect(run.code).toBe(1)
    const text = readFileSync(out, 'utf8')
    expect(text).toContain('1000 samples')
    expect(text).not.toContain('<img')
    expect((await diff('same.pb.gz', pprofOf(1, 1), '-o', file('changes.png'))).code).toBe(2)
  })
  it('prints hostile names as code, never as markup', async () => {
    const run = await diff('hostile.folded', `${HOSTILE.replace(';', '\\x3b')} 900\n`)
    expect(run.stdout).toContain('| `` <img onerror=x>\\|`;rm `` |')
  })
})
