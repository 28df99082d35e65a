// The programs that run on Node, one file each: build/agent.mjs, backend.mjs, backend-worker.mjs, cli.mjs,
// compile.mjs.
// What carries native code stays outside (koffi, DuckDB); all else is inside, so that an agent image holds the bundle,
// koffi and the BPF object, and nothing else.
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(fileURLToPath(import.meta.url))

export default {
  mode: 'production',
  target: 'node20',
  devtool: 'source-map',
  context: root,
  entry: {
    agent: './bpf-agent/main.ts',
    backend: './backend/main.ts',
    'backend-worker': './backend/worker.ts',
    cli: './cli/main.ts',
    compile: './bpf-agent/compile-main.ts',
  },
  output: {
    path: path.join(root, 'build'),
    filename: '[name].mjs',
    chunkFormat: 'module',
    library: { type: 'module' },
    module: true,
  },
  externalsType: 'module',
  externals: [/^node:/, 'koffi', '@duckdb/node-api'],
  resolve: { extensions: ['.ts', '.mjs', '.js'] },
  module: {
    // import.meta.url is the bundle's own place: that is how it finds build/bpf and build/viewer.
    parser: { javascript: { importMeta: false, url: false, worker: false } },
    rules: [
      {
        test: /\.ts$/,
        loader: 'builtin:swc-loader',
        options: { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } },
        type: 'javascript/auto',
      },
    ],
  },
  // Readable stack traces are worth more than bytes here.
  optimization: { minimize: false, splitChunks: false, runtimeChunk: false },
  performance: { hints: false },
  stats: 'errors-warnings',
}
