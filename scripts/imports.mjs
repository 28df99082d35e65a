// Checks the direction of imports: `node scripts/imports.mjs [words of depcruise]`, without words over the whole product.
// dependency-cruiser 17.4 reads .tsx as if it were .ts when swc parses, and sees no type import when acorn does. This
// tells swc which files hold JSX; it can go when dependency-cruiser does so itself.
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import swc from '@swc/core'
import { root } from './setup.mjs'

const { parseFileSync } = swc
swc.parseFileSync = (file, options) => parseFileSync(file, { ...options, tsx: file.endsWith('.tsx') })

const words = process.argv.slice(2)
const households = ['profile', 'bpf-agent', 'backend', 'src', 'viewer', 'cli']
process.argv = [
  ...process.argv.slice(0, 2),
  '--config',
  path.join(root, '.dependency-cruiser.cjs'),
  ...(words.length > 0 ? words : households),
]
await import(pathToFileURL(path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')).href)
