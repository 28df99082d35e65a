// The viewer: the page around the plugin's bundles, in build/viewer/. It brings what Grafana would bring (React,
// @grafana/data, ui, runtime), so it is large: about 1 MB compressed before the first paint.
// Hashed names may be cached for ever; index.html and the plugin's bundles, which keep their names, ask each time.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rspack } from '@rspack/core'
import { scriptRule } from './rspack.plugin.config.mjs'

const root = path.dirname(fileURLToPath(import.meta.url))

export default {
  mode: 'production',
  target: ['web', 'es2020'],
  devtool: false,
  context: root,
  entry: { viewer: './viewer/main.tsx' },
  output: {
    path: path.join(root, 'build', 'viewer'),
    filename: 'assets/[name].[contenthash:12].js',
    chunkFilename: 'assets/[name].[contenthash:12].js',
    assetModuleFilename: 'assets/[name].[contenthash:12][ext]',
    uniqueName: 'flametrail-viewer',
    publicPath: 'auto',
  },
  resolve: {
    extensions: ['.ts', '.tsx', '.mjs', '.js'],
    // The code editor: 4 MB that nothing here opens.
    // Zones of the last and next years instead of all since 1880: 0.7 MB less to parse.
    alias: {
      'moment-timezone$': 'moment-timezone/builds/moment-timezone-with-data-10-year-range.js',
      'monaco-editor': false,
      '@monaco-editor/react': false,
    },
  },
  module: {
    rules: [
      scriptRule('es2020'),
      // As `javascript/esm` the .mjs files of @grafana would get the default of a CommonJS package wrapped twice
      // (React's error 130), and would have to name every file in full.
      {
        test: /\.m?js$/,
        include: /node_modules/,
        type: 'javascript/auto',
        resolve: { fullySpecified: false },
      },
      { test: /\.css$/, type: 'css' },
      { test: /\.svg$/, type: 'asset/resource' },
    ],
    parser: { javascript: { exportsPresence: 'warn' } },
  },
  optimization: {
    splitChunks: false,
    minimizer: [new rspack.SwcJsMinimizerRspackPlugin({ extractComments: false })],
  },
  plugins: [
    // Libraries ask for AMD's `define` before they look for modules; the one on this page is there for the plugin alone.
    new rspack.DefinePlugin({ 'typeof define': '"undefined"', 'define.amd': 'undefined' }),
    new rspack.HtmlRspackPlugin({
      template: './viewer/index.html',
      filename: 'index.html',
      scriptLoading: 'defer',
      inject: 'body',
    }),
  ],
  performance: { hints: false },
  stats: 'errors-warnings',
}
