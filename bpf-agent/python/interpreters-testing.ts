// Which interpreters does this machine have? That of the system, and those that pyenv has built; for tests only.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const OLDEST = 8

/** Version and path of each, once a version: ["3.11", "/usr/bin/python3.11"]. */
export function interpretersHere(): [string, string][] {
  const built = join(homedir(), '.pyenv/versions')
  const folders = existsSync(built) ? readdirSync(built).map((version) => join(built, version, 'bin')) : []
  const found = new Map<string, string>()
  for (const folder of ['/usr/bin', '/usr/local/bin', ...folders]) {
    const path = join(folder, 'python3')
    if (!existsSync(path)) continue
    const version = execFileSync(path, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])
      .toString()
      .trim()
    if (Number(version.split('.')[1]) >= OLDEST && !found.has(version)) found.set(version, realpathSync(path))
  }
  return [...found]
}
