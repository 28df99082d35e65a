// node bench/grafana-flamegraph/build.mjs: Grafana's flame graph as a page, build/bench-page/grafana.js. Installs what the
// lockfile beside it says, install scripts off, once; ends with 1 and a sentence if that or the bundling did not work.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rspack } from '@rspack/core'
import viewerConfig from '../../rspack.viewer.config.mjs'
import { bundle } from '../../scripts/bundle.mjs'
import { root, run, say } from '../../scripts/setup.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const modules = path.join(here, 'node_modules')

try {
  await install()
  await bundlePage()
} catch (error) {
  say(`grafana-flamegraph: ${error.message}`)
  process.exitCode = 1
}

async function install() {
  const stamp = path.join(modules, '.flametrail-lock')
  const lock = createHash('sha256')
  for (const name of ['package.json', 'package-lock.json']) lock.update(readFileSync(path.join(here, name)))
  const wanted = lock.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('grafana-flamegraph: npm ci --ignore-scripts in bench/grafana-flamegraph (650 MB, half a minute)')
  // Where no registry answers it is said after a minute or two, not after npm's ten.
  const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=30000']
  const { code, output } = await run(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...patience],
    { quiet: true, cwd: here },
  )
  if (code !== 0)
    throw new Error(
      `npm ci ended with ${code}; it needs a registry that answers. It said:\n${output.slice(-2_000)}`,
    )
  writeFileSync(stamp, wanted)
}

/** As the page of the others is bundled (scripts/bench.mjs), with the libraries of this folder. */
async function bundlePage() {
  const stats = await bundle({
    ...viewerConfig,
    entry: { grafana: './bench/grafana-flamegraph-page.tsx' },
    output: { path: path.join(root, 'build/bench-page'), filename: '[name].js', publicPath: '' },
    resolve: {
      ...viewerConfig.resolve,
      modules: [modules, 'node_modules'],
      alias: {
        ...viewerConfig.resolve.alias,
        react: path.join(modules, 'react'),
        'react-dom': path.join(modules, 'react-dom'),
      },
    },
    plugins: viewerConfig.plugins.filter((plugin) => !(plugin instanceof rspack.HtmlRspackPlugin)),
  })
  // Two Reacts, or libraries of the product, would make the figures those of something that nobody runs.
  const foreign = [...stats.compilation.modules]
    .map((module) => module.nameForCondition?.() ?? '')
    .filter((file) => file.includes('/node_modules/') && !file.startsWith(modules + path.sep))
  if (foreign.length > 0)
    throw new Error(
      `${foreign.length} modules come from outside of bench/grafana-flamegraph, first ${foreign[0]}`,
    )
}
