// Where is the built viewer? In build/viewer; built on the spot where it is missing, as it stands where it is not:
// `npm test` builds before it tests.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** Directory of the built viewer. Cost: nothing, or about 10 s the first time. */
export function builtViewer(): string {
  const directory = path.join(root, 'build', 'viewer')
  if (!existsSync(path.join(directory, 'index.html'))) {
    execFileSync(process.execPath, [path.join(root, 'scripts', 'build-web.mjs')], { stdio: 'inherit' })
  }
  return directory
}
