// Do the documents say what is so? Every path that ARCHITECTURE.md names exists; every source folder has its README of
// three lines; what the documents show is there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')
const read = (name: string) => readFileSync(path.join(root, name), 'utf8')
const HOUSEHOLDS = ['profile', 'bpf-agent', 'backend', 'src', 'viewer', 'cli', 'tests', 'bench']
const SOURCE = /\.(tsx?|c|h|mjs)$/

/** Backticked words that look like paths of this repository: `backend/store/store.ts`, `profile/tree/`. */
export function pathsNamedBy(markdown: string): string[] {
  const words = [...markdown.matchAll(/`([^`\s]+)`/g)].map(([, word]) => word!)
  const top = new RegExp(`^(${[...HOUSEHOLDS, 'scripts', 'docs', 'provisioning', '.ci'].join('|')})/`)
  return [...new Set(words.filter((word) => top.test(word) && !/[*{}…<>]/.test(word)))]
}

function sourceFolders(folder: string): string[] {
  const entries = readdirSync(path.join(root, folder), { withFileTypes: true })
  const below = entries
    .filter(
      (entry) =>
        entry.isDirectory() && !['gen', 'broken', 'fixtures', 'img', 'node_modules'].includes(entry.name),
    )
    .flatMap((entry) => sourceFolders(path.join(folder, entry.name)))
  return entries.some((entry) => entry.isFile() && SOURCE.test(entry.name)) ? [folder, ...below] : below
}

describe('ARCHITECTURE.md', () => {
  const named = pathsNamedBy(read('ARCHITECTURE.md'))
  it('walks through the whole stream', () => {
    expect(named.length).toBeGreaterThan(40)
  })
  it.each(named)('names %s, which exists', (name) => {
    expect(existsSync(path.join(root, name))).toBe(true)
  })
})

describe('the README of', () => {
  it.each(HOUSEHOLDS.flatMap(sourceFolders))(
    '%s has three lines: question, refusals, first file',
    (folder) => {
      const lines = read(path.join(folder, 'README.md')).trim().split('\n')
      expect(lines).toHaveLength(3)
      const first = /Open (?:first: )?`([^`]+)`/.exec(lines[2]!)?.[1]
      expect(first, lines[2]).toBeDefined()
      expect(existsSync(path.join(root, folder, first!)), first).toBe(true)
    },
  )
})

describe('the README', () => {
  const readme = read('README.md')
  it('begins with the two commands', () => {
    const block = /```sh\n([\s\S]*?)```/.exec(readme)![1]!
    expect(block).toMatch(/^npm start/)
    expect(block).toContain('npm test')
  })
  it('shows pictures that exist', () => {
    const pictures = [...readme.matchAll(/(?:\]\(|src(?:set)?=")([^)"]+\.(?:png|svg))/g)].map(
      ([, name]) => name!,
    )
    expect(pictures.length).toBeGreaterThan(0)
    for (const picture of pictures) expect(existsSync(path.join(root, picture)), picture).toBe(true)
  })
  it('calls in CI exactly the test command it shows', () => {
    expect(read('.ci/run')).toMatch(/^exec npm test$/m)
  })
})
