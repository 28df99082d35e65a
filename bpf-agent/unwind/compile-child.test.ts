import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { compileUnwindTable } from '../dwarf/unwind-table.ts'
import { bytesSource } from '../elf/byte-source.ts'
import { type ChildCompilation, type CompileChild, createCompileChild } from './compile-child.ts'

const BUILT = path.resolve(import.meta.dirname, '../../build/compile.mjs')
const libc = /\S*\/libc[.-]\S*/.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0] ?? process.execPath
// Another user must be able to read what is in it.
const folder = mkdtempSync(path.join(tmpdir(), 'flametrail-child-'))
chmodSync(folder, 0o755)
const children: CompileChild[] = []
afterAll(() => {
  for (const child of children) child.close()
  rmSync(folder, { recursive: true, force: true })
})

let programs = 0
/** A child whose program is this text instead of ours. */
function startAs(text: string, limitMs = 10_000) {
  const program = path.join(folder, `${++programs}.mjs`)
  writeFileSync(program, text)
  const said: string[] = []
  const child = createCompileChild({ program, limitMs, log: (line) => said.push(line) })
  children.push(child)
  return { child, said, program }
}

async function resultOf(compilation: ChildCompilation) {
  for (let i = 0; i < 1000 && compilation.result === undefined; i++) await sleep(20)
  const { result } = compilation
  if (result === undefined) throw new Error('no result within 20 s')
  return result
}
const messageOf = async (compilation: ChildCompilation) => {
  const result = await resultOf(compilation)
  return result.ok ? 'a table' : result.error.message
}

describe('the child', () => {
  it('gives the table that we would have compiled ourselves, of file after file', async () => {
    const child = createCompileChild({ program: BUILT, log: () => {} })
    children.push(child)
    const fd = openSync(libc, 'r')
    const given = [child.compile(fd), child.compile(fd)]
    for (const one of given)
      expect(await resultOf(one)).toEqual(compileUnwindTable(bytesSource(new Uint8Array(readFileSync(libc)))))
    expect(child.counts).toEqual({ started: 2, died: 0 })
    closeSync(fd)
  })

  it('says why there is no table', async () => {
    const child = createCompileChild({ program: BUILT, log: () => {} })
    children.push(child)
    const fd = openSync('/etc/passwd', 'r')
    expect(await messageOf(child.compile(fd))).toMatch(/ELF/)
    closeSync(fd)
  })

  it('has no capability, no environment, no way to gain any, and only the file', async () => {
    const { child, program } = startAs(`
      import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
      const status = readFileSync('/proc/self/status', 'latin1')
      const of = (key) => new RegExp('^' + key + ':\\\\s*(\\\\S+)', 'm').exec(status)[1]
      const links = readdirSync('/proc/self/fd').flatMap((fd) => {
        try { return Number(fd) < 3 ? [] : readlinkSync('/proc/self/fd/' + fd) } catch { return [] }
      })
      const files = links.filter((link) => link.startsWith('/') && !link.startsWith('/dev') && !link.startsWith('/proc'))
      process.stdout.write('FTNO' + JSON.stringify({ caps: of('CapPrm') + of('CapEff') + of('CapAmb'), fixed: of('NoNewPrivs'),
        uid: of('Uid'), groups: /^Groups:\\s*$/m.test(status), env: Object.keys(process.env), files, cwd: process.cwd() }))
    `)
    const fd = openSync(program, 'r')
    const said = JSON.parse(await messageOf(child.compile(fd))) as object
    closeSync(fd)
    expect(said).toMatchObject({ fixed: '1', env: [], files: [program], cwd: '/' })
    if (process.geteuid?.() === 0)
      expect(said).toMatchObject({ caps: '0'.repeat(48), uid: '65534', groups: true })
  })

  it.each([
    ['bytes that are no table', `process.stdout.write('FTUTxxxxxxxxxxxxxxxxxxxx')`, /bytes/],
    ['nothing', '', /without an answer: exit code 0/],
    ['a sentence with escapes', `process.stdout.write('FTNO\\x1b[2Jhi')`, /^\?\[2Jhi$/],
    [
      'more than any table has',
      `process.stdout.write(Buffer.alloc(20 * 1024 * 1024, 65))`,
      /without an answer/,
    ],
    ['nothing, for ever', 'setInterval(() => {}, 1000)', /without an answer: SIGKILL/],
    ['nothing, for it cannot begin', `import './nowhere.mjs'`, /without an answer: exit code 1/],
  ])('may say %s: no table, and the next file has its turn', async (_, text, message) => {
    const { child, said } = startAs(text, 1500)
    const [first, second] = [child.compile(0), child.compile(0)]
    expect(await messageOf(first)).toMatch(message)
    expect(await messageOf(second)).toMatch(message)
    expect(said.length).toBeLessThanOrEqual(1)
  })

  it('begins as our own user where another may not read the program', async () => {
    const { child, program } = startAs(`process.stdout.write('FTNO' + process.geteuid())`)
    chmodSync(program, 0o600)
    expect(await messageOf(child.compile(0))).toBe(String(process.geteuid?.()))
  })

  it('is one at a time, and none is started for what nobody waits for any more', async () => {
    const { child } = startAs('setInterval(() => {}, 1000)')
    const [first, second] = [child.compile(0), child.compile(0)]
    expect(child.counts.started).toBe(1)
    second.cancel()
    first.cancel()
    await messageOf(first)
    expect(child.counts.started).toBe(1)
  })
})
