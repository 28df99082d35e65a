import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interpretersHere } from './interpreters-testing.ts'
import { knownLayout } from './layout.ts'
import { lineAt } from './line-table.ts'

/** What an interpreter itself says of functions of its library: {table, first line, line of each unit}. */
const SCRIPT = `
import sys, json, dis, argparse, asyncio.base_events, types
def codes(code):
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from codes(const)
out = []
for module in (json.decoder, argparse, asyncio.base_events):
    with open(module.__file__) as file:
        for code in codes(compile(file.read(), module.__file__, 'exec')):
            table = code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab
            if sys.version_info >= (3, 10):
                lines = [[start // 2, end // 2, line or 0] for start, end, line in code.co_lines() if end > start]
            else:
                starts = list(dis.findlinestarts(code)) + [(len(code.co_code), 0)]
                lines = [[a // 2, b // 2, line] for (a, line), (b, _) in zip(starts, starts[1:])]
            out.append([table.hex(), code.co_firstlineno, lines])
print(json.dumps(out))
`

describe('lineAt', () => {
  it.each(interpretersHere())('says the lines that %s says', (version, path) => {
    const kind = (knownLayout(version) ?? knownLayout('3.12'))!.lines
    const codes = JSON.parse(execFileSync(path, ['-c', SCRIPT], { maxBuffer: 2 ** 26 }).toString()) as [
      string,
      number,
      [number, number, number][],
    ][]
    expect(codes.length).toBeGreaterThan(100)
    let checked = 0
    for (const [hex, firstLine, ranges] of codes) {
      const table = Buffer.from(hex, 'hex')
      for (const [start, end, line] of ranges)
        for (let unit = start; unit < end; unit++, checked++)
          expect(lineAt(table, { kind, firstLine, unit })).toBe(line)
    }
    expect(checked).toBeGreaterThan(10_000)
  })

  it('ends on any bytes, with a number', () => {
    const table = fc.uint8Array({ maxLength: 300 })
    const kind = fc.constantFrom('lnotab' as const, 'ranges' as const, 'locations' as const)
    fc.assert(
      fc.property(table, kind, fc.nat(0xfffff), (bytes, of, unit) => {
        expect(Number.isSafeInteger(lineAt(bytes, { kind: of, firstLine: 1, unit }))).toBe(true)
      }),
    )
  })
})
