import { describe, expect, it } from 'vitest'
import { reachesRoot } from './roots.ts'

const reaches = (stop: string, frames: readonly string[], isEntryPoint = false) =>
  reachesRoot({ stop, outermost: frames[0], called: frames[1], isEntryPoint })

describe('reachesRoot', () => {
  it('believes the walk that says so, and no walk that was cut', () => {
    expect(reaches('root', [])).toBe(true)
    expect(reaches('kthread', [])).toBe(true)
    for (const stop of ['depth', 'compat32', 'no_regs']) expect(reaches(stop, ['_start', 'main'])).toBe(false)
  })

  it('believes a zero frame pointer only at a known beginning', () => {
    expect(reaches('fp_zero', ['start_thread', 'worker'])).toBe(true)
    expect(reaches('fp_zero', ['runtime.goexit', 'main.main'])).toBe(true)
    expect(reaches('fp_zero', ['memcpy'])).toBe(false)
    expect(reaches('fp_zero', [])).toBe(false)
    expect(reaches('fp_zero', ['anything'], true)).toBe(true)
  })

  it('takes whatever called main for the beginning: C libraries keep no frame pointers', () => {
    expect(reaches('bad_fp', ['libc.so.6+0x27249', 'main', 'work'])).toBe(true)
    expect(reaches('bad_fp', ['main', 'work'])).toBe(false)
    expect(reaches('bad_fp', ['work', 'domain'])).toBe(false)
  })
})
