// Runs rspack once: the one way all builds here do it.
import { rspack } from '@rspack/core'

const WORDS_MAX = 8_000 // a broken import can make the bundler print megabytes

/** Bundles by a config; throws the bundler's errors as text.  out  rspack's stats */
export function bundle(config) {
  return new Promise((resolve, reject) => {
    const compiler = rspack(config)
    compiler.run((failure, stats) => {
      compiler.close(() => {
        if (failure) reject(failure)
        else if (stats.hasErrors())
          reject(new Error(stats.toString({ preset: 'errors-only', colors: false }).slice(0, WORDS_MAX)))
        else resolve(stats)
      })
    })
  })
}
