// How does a test start a program or a thread of ours? Node 20 strips no types, so the entry is bundled first, as the
// product is, into a directory of its own below build/: native modules are found from there.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rspack } from '@rspack/core'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** Bundles entries (name → path from the root).
 *  out  urls   name → the bundle, to be run with node or `new Worker`
 *       remove deletes all of it.   cost about a second */
export async function bundle(entry: Readonly<Record<string, string>>) {
  mkdirSync(path.join(root, 'build'), { recursive: true })
  const directory = mkdtempSync(path.join(root, 'build', 'test-'))
  const { default: config } = await import(pathToFileURL(path.join(root, 'rspack.node.config.mjs')).href)
  const compiler = rspack({ ...config, entry, output: { ...config.output, path: directory } })
  await new Promise<void>((resolve, reject) => {
    compiler.run((failure, stats) => {
      compiler.close(() => {
        if (failure) reject(failure)
        else if (stats?.hasErrors()) reject(new Error(stats.toString({ preset: 'errors-only' })))
        else resolve()
      })
    })
  })
  return {
    urls: Object.fromEntries(
      Object.keys(entry).map((name) => [name, pathToFileURL(path.join(directory, `${name}.mjs`))]),
    ),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
