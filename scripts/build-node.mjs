// Bundles the Node programs by rspack.node.config.mjs, and lays the demangler's WASM module beside them.
import { copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { rspack } from '@rspack/core'
import config from '../rspack.node.config.mjs'

/** Writes build/*.mjs; throws the bundler's errors. */
export function buildNode() {
  return new Promise((resolve, reject) => {
    const compiler = rspack(config)
    compiler.run((failure, stats) => {
      compiler.close(() => {
        if (failure) reject(failure)
        else if (stats.hasErrors()) reject(new Error(stats.toString({ preset: 'errors-only' })))
        else {
          const wasm = createRequire(import.meta.url).resolve('gecko-profiler-demangle/index_bg.wasm')
          copyFileSync(wasm, path.join(config.output.path, 'demangle.wasm'))
          resolve()
        }
      })
    })
  })
}
