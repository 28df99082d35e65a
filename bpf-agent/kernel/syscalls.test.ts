import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bpf, ioctl, mapShared, pageBytes, SyscallError, withoutSignals } from './syscalls.ts'

const blocked = () =>
  BigInt(`0x${/^SigBlk:\s*(\w+)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))![1]}`)
const SIGCHLD = 1n << 16n

describe('system calls', () => {
  it('fail with the word and the sentence of the system', () => {
    expect(() => ioctl(-1, 0, 0, 'starting a clock event')).toThrow(
      'starting a clock event: EBADF, bad file descriptor',
    )
    expect(() => mapShared(-1, pageBytes(), 0, false)).toThrow('mmap: EBADF')
    try {
      bpf(9999, Buffer.alloc(8), 'an unknown command')
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(SyscallError)
      expect((error as SyscallError).word).toMatch(/^(EINVAL|EPERM)$/)
    }
  })

  it('know the size of a page', () => {
    expect(pageBytes()).toBeGreaterThanOrEqual(4096)
    expect(Math.log2(pageBytes()) % 1).toBe(0)
  })

  it('can be made without signals, and give them back even when they throw', () => {
    const before = blocked()
    expect(before & SIGCHLD).toBe(0n)
    expect(withoutSignals(blocked) & SIGCHLD).toBe(SIGCHLD)
    expect(() =>
      withoutSignals(() => {
        throw new Error('inside')
      }),
    ).toThrow('inside')
    expect(blocked()).toBe(before)
  })
})
