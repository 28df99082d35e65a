// Makes the test page: page.tsx with the real React, @grafana/data and @grafana/ui, as the viewer bundles them.
import path from 'node:path'
import { rspack } from '@rspack/core'
import { RAW_RULE } from '../../../rspack.plugin.config.mjs'
import viewerConfig from '../../../rspack.viewer.config.mjs'
import { ensureHtmlPage } from '../../../scripts/build-html-page.mjs'
import { bundle } from '../../../scripts/bundle.mjs'

/** Writes page.js into a folder; throws the bundler's errors. */
export async function bundlePage(folder) {
  await ensureHtmlPage()
  await bundle({
    ...viewerConfig,
    module: { ...viewerConfig.module, rules: [{ oneOf: [RAW_RULE, { rules: viewerConfig.module.rules }] }] },
    mode: 'development',
    devtool: false,
    entry: { page: './src/panels/testing/page.tsx' },
    output: { path: folder, filename: '[name].js', publicPath: '' },
    optimization: { splitChunks: false, minimize: false },
    plugins: viewerConfig.plugins.filter((plugin) => !(plugin instanceof rspack.HtmlRspackPlugin)),
  })
  return path.join(folder, 'page.js')
}
