// Bundles the Node programs by rspack.node.config.mjs.
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
        else resolve()
      })
    })
  })
}
