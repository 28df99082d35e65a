import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { moduleOf, programOf } from './module-name.ts'

const program = (...words: string[]) =>
  programOf(Buffer.from(['python3', ...words].map((word) => `${word}\0`).join('')))

describe('programOf', () => {
  it.each([
    [['app.py', '-m', 'x'], { script: 'app.py' }],
    [['-u', '-W', 'ignore', '/srv/app.py'], { script: '/srv/app.py' }],
    [['-Wignore', '-Xdev', 'app.py'], { script: 'app.py' }],
    [['-Bm', 'http.server', '80'], { module: 'http.server' }],
    [['-mhttp.server'], { module: 'http.server' }],
    [['-Ibc', 'print(1)', 'app.py'], { isCommand: true }],
    [['--check-hash-based-pycs', 'always', 'app.py'], { script: 'app.py' }],
    [['-'], { script: '<stdin>' }],
    [['-i'], {}],
    [[], {}],
  ])('reads %j', (words, expected) => {
    expect(program(...words)).toEqual({
      script: '',
      module: '',
      isCommand: false,
      folder: expect.anything(),
      ...expected,
    })
  })

  it('takes any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void programOf(bytes)))
  })
})

describe('moduleOf', () => {
  it.each([
    ['/usr/lib/python3.11/threading.py', 'app.py', 'threading'],
    ['/usr/lib/python3.11/asyncio/base_events.py', 'app.py', 'asyncio.base_events'],
    ['/usr/lib/python3.11/json/__init__.py', 'app.py', 'json'],
    ['/usr/lib/python3/dist-packages/apt/cache.py', 'app.py', 'apt.cache'],
    ['/x/lib/python3.13t/site-packages/flask/app.py', 'app.py', 'flask.app'],
    ['/usr/lib/python311.zip/os.py', 'app.py', 'os'],
    ['<frozen importlib._bootstrap>', 'app.py', 'importlib._bootstrap'],
    ['<string>', 'app.py', '<string>'],
    ['/srv/app.py', '/srv/app.py', '__main__'],
    ['/srv/app.py', 'app.py', '__main__'],
    ['/srv/app.py', './app.py', '__main__'],
    ['/srv/myapp.py', 'app.py', 'myapp'],
    ['/srv/shop/views.py', '/srv/manage.py', 'shop.views'],
    ['/elsewhere/tool.py', '/srv/manage.py', 'tool'],
    ['/elsewhere/pack/__init__.py', '/srv/manage.py', 'pack'],
    ['', '', ''],
  ])('calls %s of %s %s', (file, script, module) => {
    expect(moduleOf(file, program(script))).toBe(module)
  })

  it('looks below the folder of the script, or of the process', () => {
    const relative = programOf(Buffer.from('python3\0./bin/app.py\0'), '/srv')
    expect(relative).toMatchObject({ script: './bin/app.py', folder: '/srv/bin/' })
    expect(moduleOf('/srv/bin/app.py', relative)).toBe('__main__')
    expect(moduleOf('/srv/bin/shop/cart.py', relative)).toBe('shop.cart')
    expect(moduleOf('/srv/shop/cart.py', programOf(Buffer.from('python3\0-m\0shop.run\0'), '/srv/'))).toBe(
      'shop.cart',
    )
  })

  it('knows the module that was started', () => {
    expect(moduleOf('/usr/lib/python3.11/http/server.py', program('-m', 'http.server'))).toBe('__main__')
    expect(moduleOf('/usr/lib/python3.11/unittest/__main__.py', program('-m', 'unittest'))).toBe('__main__')
    expect(moduleOf('/srv/shop/run.py', program('-m', 'shop.run'))).toBe('__main__')
    expect(moduleOf('/usr/lib/python3.11/http/client.py', program('-m', 'http.server'))).toBe('http.client')
    expect(moduleOf('<string>', program('-c', 'x'))).toBe('__main__')
  })
})
