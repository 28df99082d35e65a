// The Grafana plugin: five AMD bundles in dist/, one per plugin.json, and in dist/lazy/ what panels load when they draw.
// The factory returns its exports (library type `amd` does): Grafana's frontend sandbox draws nothing otherwise.
// What is not in `SHARED` is bundled, so that list is the whole of what we ask Grafana to bring.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rspack } from '@rspack/core'

const root = path.dirname(fileURLToPath(import.meta.url))

/** Modules of the host page. Grafana 12.3 and newer bring these; so does the viewer (viewer/host/shared-modules.ts). */
export const SHARED = [
  'react',
  'react-dom',
  'react/jsx-runtime',
  'rxjs',
  'rxjs/operators',
  'lodash',
  'moment',
  '@emotion/css',
  'i18next',
  'react-router',
  'prismjs',
  'd3',
  '@grafana/data',
  '@grafana/runtime',
  '@grafana/ui',
]

/** Folder in dist/ → where its manifest and its module stand. */
export const PLUGINS = {
  '': { manifest: 'plugin.json', module: './src/module.ts' },
  datasource: { manifest: 'src/datasource/plugin.json', module: './src/datasource/module.ts' },
  'panels/flamegraph': {
    manifest: 'src/panels/flamegraph/plugin.json',
    module: './src/panels/flamegraph/module.ts',
  },
  'panels/iceberg': { manifest: 'src/panels/iceberg/plugin.json', module: './src/panels/iceberg/module.ts' },
  'panels/diff': { manifest: 'src/panels/diff/plugin.json', module: './src/panels/diff/module.ts' },
}

/** TypeScript and classic JSX to `target`, no type check (tsc does that). */
export const scriptRule = (target) => ({
  test: /\.tsx?$/,
  exclude: /node_modules/,
  loader: 'builtin:swc-loader',
  options: {
    jsc: {
      parser: { syntax: 'typescript', tsx: true },
      transform: { react: { runtime: 'classic' } },
      target,
    },
  },
  type: 'javascript/auto',
})

/** `import text from './file?raw'`: a file as text. */
export const RAW_RULE = { resourceQuery: /^\?raw$/, type: 'asset/source' }

export default {
  mode: 'production',
  target: ['web', 'es2020'],
  devtool: 'source-map',
  context: root,
  entry: Object.fromEntries(
    Object.entries(PLUGINS).map(([folder, { module }]) => [path.posix.join(folder, 'module'), module]),
  ),
  output: {
    path: path.join(root, 'dist'),
    filename: '[name].js',
    library: { type: 'amd' },
    uniqueName: 'flametrail',
    chunkFilename: 'lazy/[name].[contenthash:12].js', // a new build, a new name: nothing old is taken from a cache
    // src/panels/public-path.ts sets it. `auto` would ask for a script tag, which a SystemJS loader does not leave.
    publicPath: '',
    clean: true,
  },
  externalsType: 'amd',
  externals: [...SHARED, { 'amd-module': 'module' }],
  resolve: { extensions: ['.ts', '.tsx', '.mjs', '.js'] },
  module: { rules: [scriptRule('es2020'), RAW_RULE] },
  optimization: {
    splitChunks: false,
    runtimeChunk: false,
    minimizer: [new rspack.SwcJsMinimizerRspackPlugin({ extractComments: false })],
  },
  performance: { hints: false },
  stats: 'errors-warnings',
}
