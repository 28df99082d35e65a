import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const config = path.join(root, '.dependency-cruiser.cjs')
const rules = (createRequire(import.meta.url)(config) as { forbidden: { name: string }[] }).forbidden.map(
  ({ name }) => name,
)

interface Cruise {
  readonly summary: {
    readonly totalCruised: number
    readonly violations: readonly { readonly rule: { readonly name: string } }[]
  }
}
function cruise(directory: string, places: readonly string[]): Cruise {
  const words = [path.join(root, 'scripts/imports.mjs'), '--output-type', 'json', ...places]
  const { stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Cruise
}
const households = ['profile', 'bpf-agent', 'backend', 'src', 'viewer', 'cli']

describe('the direction of imports', () => {
  it('every rule objects to the tree that breaks it', () => {
    const { summary } = cruise(path.join(import.meta.dirname, 'broken'), households)
    expect([...new Set(summary.violations.map(({ rule }) => rule.name))].sort()).toEqual([...rules].sort())
  })
  it('nothing of the product breaks one, and files were really read', () => {
    const { summary } = cruise(root, households)
    expect(summary.violations).toEqual([])
    expect(summary.totalCruised).toBeGreaterThan(100)
  })
})
