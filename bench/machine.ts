// Where was it measured? Commit, machine and load: a figure without them is a rumour.
import { spawnSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import path from 'node:path'

/** The checkout: this file stands one folder below it, and so does the bundle. */
export const ROOT = path.resolve(import.meta.dirname, '..')

/** A program that `npm run build` made. */
export const program = (name: string) => path.join(ROOT, 'build', `${name}.mjs`)

export function machine(): { readonly commit: string; readonly machine: string; readonly load: number[] } {
  const git = (...words: string[]) =>
    spawnSync('git', ['-c', `safe.directory=${ROOT}`, ...words], {
      cwd: ROOT,
      encoding: 'utf8',
    }).stdout?.trim()
  const isChanged = git('status', '--porcelain', '--untracked-files=no') !== ''
  const [first] = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return {
    commit: `${git('rev-parse', '--short=12', 'HEAD') || 'unknown'}${isChanged ? ' with changes' : ''}`,
    machine: `${cpus().length} × ${first?.model ?? 'unknown CPU'}, ${memory}, Linux ${release()}, Node ${process.versions.node}`,
    load: loadavg().map((load) => Math.round(load * 100) / 100),
  }
}
