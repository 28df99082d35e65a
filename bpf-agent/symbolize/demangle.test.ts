import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDemangler } from './demangle.ts'

const { nameFor } = createDemangler()

describe('nameFor', () => {
  it.each([
    ['_ZN2v88internal7Scanner4NextEv', 'v8::internal::Scanner::Next()'],
    ['_ZNSt6vectorIiSaIiEE9push_backEOi', 'std::vector<int, std::allocator<int> >::push_back(int&&)'],
    ['_Z3fooILi3EEvv.cold', 'foo<3>() [clone .cold]'],
    ['_ZNSolsEi@@GLIBCXX_3.4', 'std::ostream::operator<<(int)'],
    ['_ZNSolsEi@plt', 'std::ostream::operator<<(int)@plt'],
    ['_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE', 'core::fmt::Write::write_fmt'],
    ['_RNvCs1234_7mycrate3foo', 'mycrate::foo'],
  ])('reads %s', (mangled, name) => {
    expect(nameFor(mangled)).toBe(name)
  })
  it.each([
    'main',
    '',
    '_start',
    '__libc_start_main',
    '_ZN',
    '_Z',
    '_R',
    '_ZNot a name',
    `_Z${'N'.repeat(5000)}`,
  ])('leaves %s as it is', (name) => {
    expect(nameFor(name)).toBe(name)
  })
  it('leaves a name of 5,000 characters as it is', () => {
    const long = `_Z${'N'.repeat(5000)}`
    expect(nameFor(long)).toBe(long)
  })
  it('gives text that is safe to show, and never throws, whatever the name', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 300 }).map((tail) => `_Z${tail}`)
    fc.assert(
      fc.property(hostile, (mangled) => {
        expect(nameFor(mangled).length).toBeLessThanOrEqual(4096)
      }),
      { numRuns: 2000 },
    )
  })
  it('stays with the mangled name when the module gives up, and asks it again for the next', () => {
    let calls = 0
    const fragile = createDemangler((mangled) => {
      calls++
      if (mangled === '_ZBomb') throw new WebAssembly.RuntimeError('unreachable')
      return `${mangled}()`
    })
    expect(fragile.nameFor('_ZBomb')).toBe('_ZBomb')
    expect(fragile.nameFor('_ZFine')).toBe('_ZFine()')
    expect(fragile.nameFor('_ZFine')).toBe('_ZFine()')
    expect(calls).toBe(2)
  })
})
