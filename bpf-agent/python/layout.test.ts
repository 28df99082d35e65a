import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
import { interpretersHere } from './interpreters-testing.ts'
import { describedLayout, describedVersion, knownLayout, versionText } from './layout.ts'
import { maybePython, readPythonFile } from './python-file.ts'

/** What 3.13 tells of itself, as words; what else a release puts into its groups is a parameter. */
function description({ hex = 0x030d00f0, more = 0 } = {}): Uint8Array {
  const gap = Array<number>(more).fill(1)
  const words = [
    ...[0, hex, 0, 400_000, 16, 632],
    ...[300_000, 7256, 7264, 7344, ...Array<number>(9 + more).fill(9000)],
    ...[352, 0, 8, 16, 72, 152, 160, 232, 32, ...gap],
    ...[88, 8, 0, 56, 72, 70, ...gap],
    ...[216, 112, 120, 128, 136, 68, 52, 96, 104, 200, ...gap],
    ...Array<number>(40).fill(16),
  ]
  const bytes = Buffer.alloc(1024)
  words.forEach((word, i) => {
    bytes.writeBigUInt64LE(BigInt(word), 8 * i)
  })
  bytes.write('xdebugpy', 'latin1')
  return bytes
}

describe('describedLayout', () => {
  it('reads what 3.13 tells, and 3.14 with more words in its groups', () => {
    for (const [bytes, version] of [
      [description(), '3.13'],
      [description({ hex: 0x030e00f0, more: 2 }), '3.14'],
    ] as const)
      expect(describedLayout(bytes)).toMatchObject({
        ok: true,
        value: {
          ...{ version, interpreters: 632, interpreterNext: 7264, interpreterThreads: 7344, threadId: 152 },
          threadFrame: 72,
          frame: { bytes: 72, code: 0, back: 8, instruction: 56, entry: 70 },
          code: { file: 112, name: 120, qualifiedName: 128, lines: 136, firstLine: 68, instructions: 200 },
        },
      })
  })

  it('refuses what nobody has looked at, by its version', () => {
    const refused = describedLayout(description({ hex: 0x030f00a1 }))
    expect(refused).toMatchObject({ ok: false, error: { message: 'no offsets for 3.15' } })
  })

  it('refuses other bytes, and groups that are not as they were ever seen', () => {
    expect(describedVersion(new Uint8Array(1024))).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 900 }), fc.nat(1008), (noise, at) => {
        const bytes = Buffer.from(description())
        bytes.set(noise.subarray(0, 1008 - at), 16 + at)
        const layout = describedLayout(bytes)
        if (!layout.ok) return
        expect(layout.value.frame.bytes).toBeLessThan(128)
        expect(layout.value.code.instructions).toBeLessThan(1024)
      }),
    )
  })
})

describe('readPythonFile', () => {
  it('says that a version is not known', () => {
    expect(versionText(0x030b02f0)).toBe('3.11')
    expect(knownLayout('3.7')).toBeUndefined()
  })

  it.each(interpretersHere())('finds %s in its executable or library', (version, path) => {
    const library = path.replace(/\/bin\/[^/]*$/, `/lib/libpython${version}.so.1.0`)
    const found = [path, library]
      .filter((file) => maybePython(file))
      .map((file) => {
        try {
          return readPythonFile(bytesSource(new Uint8Array(readFileSync(file))), file)
        } catch {
          return undefined
        }
      })
      .filter((file) => file !== undefined)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ complaint: '', layout: { version } })
    expect(found[0]!.loop.end - found[0]!.loop.start).toBeGreaterThan(1000)
    if (found[0]!.layout!.kind === 'PYTHON_FRAME_OBJECTS') {
      console.log(`Python ${version} sets its frame after ${found[0]!.loopBegins} bytes`)
      expect(found[0]!.loopBegins).toBeGreaterThan(20)
    }
  })

  it('takes no other file for one', () => {
    expect(maybePython('/usr/lib/x86_64-linux-gnu/libc.so.6')).toBe(false)
    expect(maybePython('/usr/bin/python3.11 (deleted)')).toBe(true)
    const node = new Uint8Array(readFileSync('/usr/bin/env'))
    expect(readPythonFile(bytesSource(node), '/usr/bin/python3')).toBeUndefined()
    expect(readPythonFile(bytesSource(new Uint8Array(10)), '/usr/bin/python3')).toBeUndefined()
  })
})
