// npm run -s bench -- NAME …: builds what the bench measures, bundles bench/ into build/bench.mjs and runs it. Nothing but
// the bench itself writes to stdout.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { rspack } from '@rspack/core'
import nodeConfig from '../rspack.node.config.mjs'
import viewerConfig from '../rspack.viewer.config.mjs'
import { bundle } from './bundle.mjs'
import { root } from './setup.mjs'

const words = process.argv.slice(2)
const name = words.find((word) => !word.startsWith('-'))

// What is built in a process of its own, so that its output cannot mix with the figures.
const PARTS = { agent: ['bpf', 'node'], host: ['bpf', 'node'], start: ['bpf', 'node', 'web'] }
if (PARTS[name] !== undefined) await child([path.join(root, 'scripts/build.mjs'), ...PARTS[name]], 'stderr')
if (name === 'flamegraph') await bundlePage()
await bundle({
  ...nodeConfig,
  entry: { bench: './bench/run.ts' },
  externals: [...nodeConfig.externals, 'playwright-core'],
})
// Appends and queries of the store hold a thread of libuv's each, as in the backend.
process.exitCode = await child([path.join(root, 'build/bench.mjs'), ...words], 'stdout')

/** The page of the flame graph bench: real React, as a production build. */
function bundlePage() {
  return bundle({
    ...viewerConfig,
    entry: { page: './bench/flamegraph-page.tsx' },
    output: { path: path.join(root, 'build/bench-page'), filename: '[name].js', publicPath: '' },
    plugins: viewerConfig.plugins.filter((plugin) => !(plugin instanceof rspack.HtmlRspackPlugin)),
  })
}

/** Runs Node with these words, its stdout where we say; resolves with the exit code, throws if a build failed. */
function child(args, stdout) {
  return new Promise((resolve, reject) => {
    const node = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
      stdio: ['ignore', stdout === 'stdout' ? 'inherit' : 2, 'inherit'],
    })
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => node.kill(signal))
    node.on('error', reject)
    node.on('close', (code) => {
      if (stdout === 'stderr' && code !== 0) reject(new Error(`${args[0]} failed with ${code}`))
      else resolve(code ?? 1)
    })
  })
}
