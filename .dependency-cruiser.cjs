// Imports go down, and households keep to themselves: the one rule of style that CI enforces. The table says of each
// place (folder or file) all that it may import of ours; a place without a line is an error. Type imports count.
// tests/layers/broken breaks every rule on purpose: the proof that they can fail.
const path = require('node:path')

const profile = ['profile/']
const sees = {
  'profile/model': [],
  'profile/settings': ['profile/model'],
  'profile/labels': ['profile/model'],
  'profile/tree': ['profile/model'],
  'profile/wire': ['profile/model', 'profile/settings', 'profile/labels', 'profile/tree'],
  'profile/picture': ['profile/model', 'profile/tree'],
  'profile/testing': profile,

  'bpf-agent/bpf': [],
  'bpf-agent/elf': ['profile/model'],
  'bpf-agent/kernel': ['profile/model', 'bpf-agent/elf'],
  'bpf-agent/host': ['profile/model', 'bpf-agent/elf'],
  'bpf-agent/aggregate': ['profile/model', 'bpf-agent/kernel'],
  'bpf-agent/dwarf': ['profile/model', 'bpf-agent/elf'],
  'bpf-agent/unwind': [
    'profile/model',
    'bpf-agent/elf',
    'bpf-agent/dwarf',
    'bpf-agent/host',
    'bpf-agent/kernel',
  ],
  'bpf-agent/python': ['profile/model', 'bpf-agent/elf', 'bpf-agent/host', 'bpf-agent/kernel'],
  'bpf-agent/symbolize': ['profile/model', 'bpf-agent/elf', 'bpf-agent/host', 'bpf-agent/aggregate'],
  'bpf-agent/ship': ['profile/model', 'profile/wire'],
  'bpf-agent/[^/]+[.]ts': [...profile, 'bpf-agent/'],

  'backend/(errors|limits)[.]ts': ['profile/model', 'profile/wire', 'backend/(errors|limits)[.]ts'],
  'backend/store': ['profile/model', 'profile/labels', 'profile/tree', 'backend/(errors|limits)[.]ts'],
  'backend/ingest': ['profile/model', 'profile/wire', 'backend/(errors|limits)[.]ts', 'backend/store'],
  'backend/query': [
    'profile/model',
    'profile/labels',
    'profile/tree',
    'profile/wire',
    'backend/(errors|limits)[.]ts',
    'backend/store',
  ],
  'backend/serve': [...profile, 'backend/(errors|limits)[.]ts', 'backend/ingest', 'backend/query'],
  'backend/(?!errors|limits)[^/]+[.]ts': [...profile, 'backend/'],

  'src/frame': ['profile/model', 'profile/tree', 'profile/wire'],
  'src/flamegraph': ['profile/model', 'profile/tree', 'profile/picture'],
  'src/datasource': ['profile/model', 'profile/labels', 'profile/wire', 'src/frame'],
  'src/panels': [
    'profile/model',
    'profile/tree',
    'profile/wire',
    'profile/picture',
    'src/frame',
    'src/flamegraph',
  ],
  'src/app': ['profile/labels', 'profile/wire', 'src/datasource'],
  'src/[^/]+[.]tsx?': ['src/app'],

  viewer: [...profile, 'src/'],
  cli: [...profile, 'bpf-agent/', 'backend/'],
}

const product = '^(profile|src|backend|bpf-agent|cli|viewer)/'
const spec = '([.](test|bench|contract)[.]tsx?$|^(viewer|backend|src/panels)/testing/)'
const at = (place) =>
  place.endsWith(']tsx?') || place.endsWith('.ts') || place.endsWith('[.]ts') || place.endsWith('[.]tsx?')
    ? `^${place}$`
    : `^${place.replace(/\/$/, '')}/`
const forbid = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to })

module.exports = {
  forbidden: [
    forbid('no cycles', {}, { circular: true }, 'a cycle of imports, of types too, is a cycle in the head'),
    forbid(
      'every place has a line in the table',
      { path: product, pathNot: [spec, '^profile/testing/', ...Object.keys(sees).map(at)] },
      {},
      'name the new folder in .dependency-cruiser.cjs',
    ),
    forbid(
      'pure floors import no node',
      { path: '^(profile|bpf-agent/(elf|dwarf)|src/(frame|flamegraph))/', pathNot: spec },
      { dependencyTypes: ['core'] },
      'the pure core touches no file, clock or process',
    ),
    forbid(
      'only tests draw',
      { path: product, pathNot: [spec, '^profile/testing/'] },
      { path: '^profile/testing/' },
      'drawings and generators are for tests',
    ),
    ...Object.entries(sees).map(([place, below]) =>
      forbid(
        `${place} sees ${below.join(', ') || 'nothing'}`,
        { path: at(place), pathNot: spec },
        { path: product, pathNot: [at(place), ...below.map(at)] },
        'imports go to a lower floor only',
      ),
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    parser: 'swc',
    tsConfig: { fileName: path.join(__dirname, 'tsconfig.json') },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(node_modules|dist|build)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
}
