// Bundles the script and the style of the pages that `profile/picture/html.ts` writes: build/html-page.js and .css.
// One classic script, minified, with everything inside: it is inlined into each page, so every byte travels with it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rspack } from '@rspack/core'
import { scriptRule } from '../rspack.plugin.config.mjs'
import { bundle } from './bundle.mjs'
import { root, say } from './setup.mjs'

/** What a page carries beside its profile; d3-flame-graph and what it needs of d3 is some 25 kB of it. */
const GZIP_MAX = 40_000

/** Writes html-page.js and html-page.css into a folder; throws the bundler's errors, or what a page could not hold.
 *  out  their texts */
export async function buildHtmlPage(folder = path.join(root, 'build')) {
  const packages = packagesIn(
    await bundle({
      mode: 'production',
      target: ['web', 'es2020'],
      devtool: false,
      context: root,
      entry: { 'html-page': './profile/picture/page/page.ts' },
      output: { path: folder, filename: '[name].js', cssFilename: '[name].css', iife: true },
      resolve: { extensions: ['.ts', '.mjs', '.js'] },
      module: { rules: [scriptRule('es2020'), { test: /\.css$/, type: 'css' }] },
      optimization: {
        splitChunks: false,
        runtimeChunk: false,
        minimizer: [
          new rspack.SwcJsMinimizerRspackPlugin({ extractComments: false }),
          new rspack.LightningCssMinimizerRspackPlugin(),
        ],
      },
      performance: { hints: false },
      stats: 'errors-warnings',
    }),
  )
  const read = (name) => {
    const file = path.join(folder, name)
    if (!existsSync(file)) throw new Error(`the bundler made no ${name}`)
    return readFileSync(file, 'utf8')
  }
  const page = { script: noticeOf(packages) + read('html-page.js'), style: read('html-page.css') }
  writeFileSync(path.join(folder, 'html-page.js'), page.script)
  const bytes = gzipSync(page.script).length + gzipSync(page.style).length
  if (bytes > GZIP_MAX)
    throw new Error(`the page's script and style: ${bytes} bytes compressed; ${GZIP_MAX} are allowed`)
  return page
}

/** Builds them where nobody has: the panels of the plugin carry them, too. */
export async function ensureHtmlPage(folder = path.join(root, 'build')) {
  if (!['html-page.js', 'html-page.css'].every((name) => existsSync(path.join(folder, name))))
    await buildHtmlPage(folder)
}

/** Names of the packages that the bundler read. */
function packagesIn({ compilation }) {
  const names = [...compilation.fileDependencies]
    .filter((file) => /\.m?js$/.test(file))
    .map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1])
  return [...new Set(names.filter((name) => name !== undefined))].sort()
}

/** Every page is a copy of these packages: it names them, whose they are and on which terms. */
function noticeOf(packages) {
  const read = (name, file) => readFileSync(path.join(root, 'node_modules', name, file), 'utf8')
  const terms = new Map()
  const lines = packages.map((name) => {
    const { version, license, author } = JSON.parse(read(name, 'package.json'))
    const text = read(name, 'LICENSE')
    const holder = /^\s*(Copyright \(?[\dcC].*)$/m.exec(text)?.[1] ?? `by ${author?.name ?? author}`
    if (license === 'Apache-2.0') terms.set(license, 'https://www.apache.org/licenses/LICENSE-2.0')
    else if (['ISC', 'BSD-3-Clause'].includes(license))
      terms.set(license, text.replace(/^Copyright.*$/m, '').trim())
    else throw new Error(`${name} is under ${license}: say here how a page states that`)
    return `${name} ${version}, ${license}, ${holder}`
  })
  const texts = [...terms].map(([name, text]) => `${name}:\n${text}`)
  return `/*!\n${[...lines, ...texts].join('\n').replaceAll('*/', '* /').replaceAll('\r', '')}\n*/\n`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { script, style } = await buildHtmlPage()
  say(
    `html page: build/html-page.js, ${(gzipSync(script).length / 1000).toFixed(1)} kB gzip, css ${style.length} bytes`,
  )
}
