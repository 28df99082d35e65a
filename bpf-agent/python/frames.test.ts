import { describe, expect, it } from 'vitest'
import type { RawStacks } from '../kernel/raw-stack.ts'
import { readCodeHead, readPythonText } from './code-object.ts'
import { createPythonFrames, isPythonWord, type PythonFrames } from './frames.ts'
import { knownLayout } from './layout.ts'

const LAYOUT = knownLayout('3.11')!
const INTERPRETER = {
  file: {
    layout: LAYOUT,
    complaint: '',
    runtime: 0x1000,
    loop: { start: 0, end: 0 },
    loopBegins: 0,
    cold: { start: 0, end: 0 },
  },
  bias: 0,
}

/** The memory of a process of Python 3.11, written by hand. */
function createMemory() {
  const bytes = Buffer.alloc(64 * 1024)
  let isGone = false
  let opened = 0
  const text = (at: number, chars: string) => {
    const highest = Math.max(0, ...[...chars].map((char) => char.codePointAt(0)!))
    const kind = highest > 0xffff ? 4 : highest > 0xff ? 2 : 1
    const isAscii = [...chars].every((char) => char < '\u0080')
    bytes.fill(0, at, Math.min(bytes.length, at + 400))
    bytes.writeUInt32LE([...chars].length, at + 16)
    bytes.writeUInt32LE(1 | (kind << 2) | (1 << 5) | (isAscii ? 1 << 6 : 0), at + 32)
    ;[...chars].forEach((char, i) => {
      bytes.writeUIntLE(char.codePointAt(0)!, at + (isAscii ? 48 : 72) + kind * i, kind)
    })
  }
  return {
    bytes,
    text,
    /** A code object of 100 units, a line each five of them. */
    code(at: number, called: { name: string; file: string; line: number }): void {
      const [name, file, lines] = [at + 1024, at + 2048, at + 3072]
      bytes.writeBigUInt64LE(100n, at + 16)
      bytes.writeInt32LE(called.line, at + LAYOUT.code.firstLine)
      bytes.writeBigUInt64LE(BigInt(name), at + LAYOUT.code.qualifiedName)
      bytes.writeBigUInt64LE(BigInt(file), at + LAYOUT.code.file)
      bytes.writeBigUInt64LE(BigInt(lines), at + LAYOUT.code.lines)
      text(name, called.name)
      text(file, called.file)
      bytes.writeBigUInt64LE(40n, lines + 16)
      // 11: the next line; five units; two columns. And then the first entry is the first line.
      for (let i = 0; i < 20; i++) bytes.set([0x80 | ((i === 0 ? 10 : 11) << 3) | 4, 0], lines + 32 + 2 * i)
    },
    end: () => {
      isGone = true
    },
    get opened() {
      return opened
    },
    open: () => {
      opened++
      if (isGone) return undefined
      return {
        read: (address: number, length: number) =>
          isGone || address >= bytes.length
            ? undefined
            : Uint8Array.from(bytes.subarray(address, address + length)),
        close() {},
      }
    },
  }
}

/** A batch with one stack: a kernel frame, then these. */
function batchOf(frames: readonly (readonly [code: number, unit: number] | number)[]): RawStacks {
  const high = frames.map((frame) =>
    typeof frame === 'number' ? Math.floor(frame / 2 ** 32) : (0x8000_0000 | (frame[1] << 11)) >>> 0,
  )
  const low = frames.map((frame) => (typeof frame === 'number' ? frame >>> 0 : frame[0] / 16))
  return {
    ...{ count: 1, tgid: Uint32Array.of(7), tid: Uint32Array.of(7), startTicks: Uint32Array.of(1) },
    ...{
      cpu: new Uint16Array(1),
      stop: new Uint8Array(1),
      flags: new Uint16Array(1),
      timeMs: new Float64Array(1),
    },
    ...{ cgroupLow: new Uint32Array(1), cgroupHigh: new Uint32Array(1), comm: new Uint8Array(16) },
    frameStart: Uint32Array.of(0, frames.length + 1),
    kernelFrames: Uint16Array.of(1),
    addressHigh: Uint32Array.of(0xffff_ffff, ...high),
    addressLow: Uint32Array.of(0x8100_0000, ...low),
    ...{ snapshotStart: new Uint32Array(1), snapshotBytes: new Uint32Array(1), snapshots: new Uint8Array() },
  }
}

const shown = (frames: PythonFrames, batch: RawStacks) =>
  [...batch.addressHigh].slice(1).map((high, i) => {
    if (!isPythonWord(high)) return 'native'
    const { name, file } = frames.functionAt(batch.addressLow[i + 1]!)!
    return `${name} ${file}:${(high >>> 11) & 0xfffff}`
  })

function start(memory = createMemory()) {
  const frames = createPythonFrames({
    interpreterOf: () => INTERPRETER,
    open: memory.open,
    programIn: () => ({ script: '/srv/app.py', folder: '/srv/', module: '', isCommand: false }),
  })
  const resolve = (...stack: Parameters<typeof batchOf>[0]) => {
    const batch = batchOf(stack)
    frames.resolve(batch)
    return { batch, shown: shown(frames, batch) }
  }
  return { memory, frames, resolve }
}

describe('frames of Python', () => {
  it('become functions and lines, and leave all other frames alone', () => {
    const { memory, resolve } = start()
    memory.code(0x2000, { name: 'Shop.buy', file: '/srv/shop/cart.py', line: 10 })
    memory.code(0x4000, { name: '<module>', file: '/srv/app.py', line: 1 })
    const { shown: first } = resolve([0x2000, 7], 0x7f00_0000_1000, [0x4000, 0xffffe])
    expect(first).toEqual([
      'shop.cart.Shop.buy /srv/shop/cart.py:11',
      'native',
      '__main__.<module> /srv/app.py:1',
    ])
  })

  it('are equal for equal lines, whatever the instruction', () => {
    const { memory, resolve } = start()
    memory.code(0x2000, { name: 'f', file: '/srv/app.py', line: 10 })
    const { batch } = resolve([0x2000, 5], [0x2000, 9], [0x2000, 10])
    const words = [1, 2, 3].map((i) => [batch.addressHigh[i], batch.addressLow[i]])
    expect(words[0]).toEqual(words[1])
    expect(words[0]).not.toEqual(words[2])
  })

  it('are another function when another code object lies at the same place', () => {
    const { memory, frames, resolve } = start()
    memory.code(0x2000, { name: 'old', file: '/srv/app.py', line: 10 })
    const before = resolve([0x2000, 0])
    memory.code(0x2000, { name: 'new', file: '/srv/app.py', line: 30 })
    const after = resolve([0x2000, 0])
    expect(shown(frames, before.batch)).toEqual(['__main__.old /srv/app.py:10'])
    expect(after.shown).toEqual(['__main__.new /srv/app.py:30'])
    expect(before.batch.addressLow[1]).not.toBe(after.batch.addressLow[1])
  })

  it('are not called by a code object that is too short for them', () => {
    const { memory, resolve } = start()
    memory.code(0x2000, { name: 'short', file: '/srv/app.py', line: 10 })
    expect(resolve([0x2000, 100]).shown).toEqual(['[python: code not readable] :0'])
  })

  it('keep the names that were read when the process ends', () => {
    const { memory, resolve } = start()
    memory.code(0x2000, { name: 'f', file: '/srv/app.py', line: 10 })
    memory.code(0x4000, { name: 'g', file: '/srv/app.py', line: 20 })
    resolve([0x2000, 0])
    memory.end()
    expect(resolve([0x2000, 0], [0x4000, 0]).shown).toEqual([
      '__main__.f /srv/app.py:10',
      '[python: code not readable] :0',
    ])
  })

  it('say that nobody could be asked', () => {
    const memory = createMemory()
    memory.end()
    const { frames, resolve } = start(memory)
    expect(resolve([0x2000, 0]).shown).toEqual(['[python: exited early] :0'])
    expect(frames.refused.get('exited')).toBe(1)
  })

  it('take no word of hostile memory for more than it is', () => {
    const { memory, resolve } = start()
    memory.code(0x2000, { name: `evil\n${'x'.repeat(500)}`, file: '/srv/\u001b[2J.py', line: -5 })
    memory.code(0x4000, { name: 'f', file: '/srv/app.py', line: 10 })
    memory.bytes.writeBigUInt64LE(2n ** 62n, 0x4000 + LAYOUT.code.qualifiedName)
    memory.bytes.writeBigUInt64LE(0x4000n, 0x4000 + 120) // a name that is no text
    const [evil, none] = resolve([0x2000, 0], [0x4000, 0]).shown
    expect(evil).toContain('?[2J.evil?xxx')
    expect(evil).not.toContain('\n')
    expect(none).toBe('[python: code not readable] :0')
  })

  it('of endless functions leave other processes theirs', () => {
    const memories = new Map([7, 8].map((tgid) => [tgid, createMemory()]))
    const frames = createPythonFrames({
      interpreterOf: () => INTERPRETER,
      open: (tgid) => memories.get(tgid)!.open(),
      programIn: () => ({ script: '', folder: '', module: '', isCommand: false }),
      nowMs: () => 0,
    })
    const many = batchOf(Array.from({ length: 3000 }, (_, i) => [0x4000 + 16 * i, 0] as const))
    frames.resolve(many)
    expect(shown(frames, many).at(-1)).toBe('[python: not read in time] :0')
    memories.get(8)!.code(0x2000, { name: 'f', file: '/srv/app.py', line: 10 })
    const other = { ...batchOf([[0x2000, 0]]), tgid: Uint32Array.of(8) }
    frames.resolve(other)
    expect(shown(frames, other)).toEqual(['app.f /srv/app.py:10'])
    expect(frames.refused.get('deferred')).toBe(2750) // 250 new ones are a process's part
  })
})

describe('readPythonText', () => {
  it.each(['plain', 'grün', '漢字', 'smile 😀', ''])('reads %j in each of its forms', (text) => {
    const memory = createMemory()
    memory.text(0x3000, text)
    expect(readPythonText(memory.open()!.read, 0x3000, LAYOUT)).toBe(text)
  })

  it('refuses what is none', () => {
    const memory = createMemory()
    const { read } = memory.open()!
    expect(readPythonText(read, 0x3000, LAYOUT)).toBeUndefined()
    expect(readPythonText(read, 0, LAYOUT)).toBeUndefined()
    memory.text(0xff00, 'at the end')
    memory.bytes.writeUInt32LE(100_000, 0xff00 + 16)
    expect(readPythonText(read, 0xff00, LAYOUT)).toBeUndefined()
    expect(readCodeHead(read, 0xfff0, LAYOUT)).toBeUndefined()
  })
})
