import { describe, expect, it } from 'vitest'
import { appFolderOf } from './app-folder.ts'

describe('the folder of the app', () => {
  it.each([
    // asked by                                                                     → stands in
    [
      'https://g.example/public/plugins/flametrail-diff-panel/module.js',
      'https://g.example/public/plugins/flametrail-profiles-app/',
    ],
    [
      'https://g.example/sub/public/plugins/flametrail-iceberg-panel/module.js?_cache=0.1.0',
      'https://g.example/sub/public/plugins/flametrail-profiles-app/',
    ],
    ['/public/plugins/flametrail-flamegraph-panel/module.js', '/public/plugins/flametrail-profiles-app/'],
    [
      'https://cdn.example/flametrail-profiles-app/0.1.0/public/plugins/flametrail-profiles-app/panels/diff/module.js',
      'https://cdn.example/flametrail-profiles-app/0.1.0/public/plugins/flametrail-profiles-app/',
    ],
    ['http://127.0.0.1:4040/plugin/panels/flamegraph/module.js', 'http://127.0.0.1:4040/plugin/'],
    ['', 'public/plugins/flametrail-profiles-app/'],
    [undefined, 'public/plugins/flametrail-profiles-app/'],
  ])('%s → %s', (uri, folder) => {
    expect(appFolderOf(uri)).toBe(folder)
  })
})
