// Bundles the Node programs by rspack.node.config.mjs, and lays the demangler's WASM module beside them.
import { copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import config from '../rspack.node.config.mjs'
import { bundle } from './bundle.mjs'

/** Writes build/*.mjs; throws the bundler's errors. */
export async function buildNode() {
  await bundle(config)
  const wasm = createRequire(import.meta.url).resolve('gecko-profiler-demangle/index_bg.wasm')
  copyFileSync(wasm, path.join(config.output.path, 'demangle.wasm'))
}
