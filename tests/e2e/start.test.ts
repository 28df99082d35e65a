// `npm start`, in a checkout that is built already: the first top functions, the viewer, and a clean end.
import { mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { TreeAnswer } from '#profile/wire/query-api'
import { startBurner } from './burner.ts'
import { eventually, freePort, type Run, root, start } from './stream.ts'

const emptyDirectory = () => mkdtempSync(path.join(tmpdir(), 'flametrail-start-'))

function npmStart(port: number, env: NodeJS.ProcessEnv = {}): Run {
  const words = ['--listen', `127.0.0.1:${port}`, '--data-directory', path.join(emptyDirectory(), 'data')]
  return start([process.execPath, path.join(root, 'scripts/start.mjs'), ...words], { env })
}

/** Command lines of living processes that name this port. */
function processesOf(port: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
      } catch {
        return [] // it ended while we looked
      }
    })
    .filter((line) => line.includes(`127.0.0.1:${port}`))
}

it('prints the top functions of the machine, serves the viewer, and Ctrl-C stops all of it', async () => {
  const port = await freePort()
  const burner = await startBurner()
  const run = npmStart(port)
  try {
    await eventually('the address', 40_000, () => (run.stderr().includes('Flame graphs:') ? true : undefined))
    expect(run.stdout()).toMatch(/^function\s+binary\s+self\s+total$/m)
    expect(run.stdout()).toContain(burner.names.grow)
    expect(run.stdout()).toMatch(/^\d+ samples/m)
    const page = await fetch(`http://127.0.0.1:${port}/`)
    expect(await page.text()).toContain('<title>Flametrail')
    expect(processesOf(port).length).toBeGreaterThan(2)
  } finally {
    run.child.kill('SIGINT')
    await burner.stop()
  }
  expect(await run.ended, run.stderr()).toBe(0)
  expect(processesOf(port)).toEqual([])
  expect(run.stderr()).not.toMatch(/\n\s+at /)
})

it('without the tools to build says which and how to get them, and shows the marked sample profile', async () => {
  const port = await freePort()
  const bare = emptyDirectory() // a PATH that holds neither clang nor apt-get
  symlinkSync(process.execPath, path.join(bare, 'node'))
  const run = npmStart(port, { PATH: bare })
  try {
    await eventually('the address', 40_000, () => (run.stderr().includes('Flame graphs:') ? true : undefined))
    expect(run.stderr()).toMatch(/needs clang.*apt-get install -y --no-install-recommends clang/)
    expect(run.stderr()).toContain('SAMPLE PROFILE')
    const flame = (await (await fetch(`http://127.0.0.1:${port}/api/v1/flame`)).json()) as TreeAnswer
    expect(flame.meta.sampleProfile).toBe(true)
  } finally {
    run.child.kill('SIGTERM')
  }
  expect(await run.ended, run.stderr()).toBe(0)
  expect(processesOf(port)).toEqual([])
})
