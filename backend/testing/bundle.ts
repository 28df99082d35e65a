// How does a test start a program or a thread of ours? Node 20 strips no types, so the entry is bundled first, as the
// product is, into a directory of its own below build/: native modules are found from there.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** Bundles entries (name → path from the root).
 *  out  urls   name → the bundle, to be run with node or `new Worker`
 *       remove deletes all of it.   cost about a second */
export async function bundle(entry: Readonly<Record<string, string>>) {
  mkdirSync(path.join(root, 'build'), { recursive: true })
  const directory = mkdtempSync(path.join(root, 'build', 'test-'))
  const load = (file: string) => import(pathToFileURL(path.join(root, file)).href)
  const { default: config } = await load('rspack.node.config.mjs')
  const { bundle: runBundler } = await load('scripts/bundle.mjs')
  await runBundler({ ...config, entry, output: { ...config.output, path: directory } })
  return {
    urls: Object.fromEntries(
      Object.keys(entry).map((name) => [name, pathToFileURL(path.join(directory, `${name}.mjs`))]),
    ),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
