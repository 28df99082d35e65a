// Makes the test page: page.tsx with the real React, @grafana/data and @grafana/ui, as the viewer bundles them.
import path from 'node:path'
import { rspack } from '@rspack/core'
import viewerConfig from '../../../rspack.viewer.config.mjs'

/** Writes page.js into a folder; throws the bundler's errors. */
export function bundlePage(folder) {
  const compiler = rspack({
    ...viewerConfig,
    mode: 'development',
    devtool: false,
    entry: { page: './src/panels/testing/page.tsx' },
    output: { path: folder, filename: '[name].js', publicPath: '' },
    optimization: { splitChunks: false, minimize: false },
    plugins: viewerConfig.plugins.filter((plugin) => !(plugin instanceof rspack.HtmlRspackPlugin)),
  })
  return new Promise((resolve, reject) => {
    compiler.run((failure, stats) => {
      compiler.close(() => {
        if (failure) reject(failure)
        else if (stats.hasErrors())
          reject(new Error(stats.toString({ preset: 'errors-only', colors: false })))
        else resolve(path.join(folder, 'page.js'))
      })
    })
  })
}
