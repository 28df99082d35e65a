import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createKallsymsReader, kernelSymbolAt } from './kallsyms.ts'
import { openKernelSymbols } from './kernel-symbols.ts'

function parse(text: string, cut = text.length) {
  const bytes = new TextEncoder().encode(text)
  const reader = createKallsymsReader()
  reader.take(bytes.slice(0, cut))
  reader.take(bytes.slice(cut))
  return reader.finish()
}
const TEXT = `\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _stext
ffffffff81000000 T _text
ffffffff81000100 T __pfx_vfs_read
ffffffff81000110 T vfs_read
ffffffff81000200 t __do_work
ffffffff81000200 T do_work
ffffffff81000300 D some_data
ffffffff81000400 T _etext
ffffffff81800000 d more_data
ffffffffc0000000 t veth_open\t[veth]
ffffffffc0000100 t bpf_prog_6deef7357e7b4530_on_tick\t[bpf]
`
const nameAt = (text: string, low: number) => {
  const table = parse(text)
  if (!table.ok) throw new Error(table.error.message)
  const symbol = kernelSymbolAt(table.value, 0xffffffff, low)
  return symbol && (symbol.module === '' ? symbol.name : `${symbol.module}:${symbol.name}`)
}

describe('createKallsymsReader', () => {
  it('names code up to the next symbol, of aliases the plainest, and no padding', () => {
    const at = [0x81000110, 0x81000105, 0x810001ff, 0x81000200, 0x810003ff]
    expect(at.map((low) => nameAt(TEXT, low))).toEqual([
      'vfs_read',
      '_text',
      'vfs_read',
      'do_work',
      'do_work',
    ])
  })

  it('names modules and BPF programs with their owner, but nothing far behind them or between regions', () => {
    const at = [0xc0000000, 0xc0000101, 0xc0000100 + 200_000, 0x81000400, 0x90000000]
    expect(at.map((low) => nameAt(TEXT, low))).toEqual([
      'veth:veth_open',
      'bpf:bpf_prog_6deef7357e7b4530_on_tick',
      undefined,
      undefined,
      undefined,
    ])
  })

  it('names no user address and none below the first symbol', () => {
    const table = parse(TEXT)
    if (!table.ok) throw new Error()
    expect(kernelSymbolAt(table.value, 0x7fff, 0x81000110)).toBeUndefined()
    expect(kernelSymbolAt(table.value, 0xffffffff, 0x80000000)).toBeUndefined()
  })

  it('says that addresses are hidden, and what helps', () => {
    const hidden = parse('0000000000000000 T _text\n0000000000000000 T vfs_read\n')
    expect(hidden).toMatchObject({ ok: false })
    expect(!hidden.ok && hidden.error.message).toBe(
      '/proc/kallsyms shows 2 functions without addresses; give the agent CAP_SYSLOG or set kernel.kptr_restrict=0',
    )
    expect(parse('')).toMatchObject({ ok: false, error: { message: '/proc/kallsyms holds no functions' } })
  })

  it('reads the same however the text is cut into pieces, and without a last line feed', () => {
    const whole = parse(TEXT)
    for (let cut = 0; cut < TEXT.length; cut += 7) expect(parse(TEXT, cut)).toEqual(whole)
    expect(parse(TEXT.trimEnd())).toEqual(whole)
  })

  it('survives any text', () => {
    const lines = TEXT.split('\n')
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...lines), fc.string())), (some) => {
        const table = parse(some.join('\n'))
        if (table.ok) kernelSymbolAt(table.value, 0xffffffff, 0x81000110)
      }),
    )
  })
})

describe('openKernelSymbols', () => {
  it("names this kernel's functions as its own list does", async () => {
    const lines: string[] = []
    const kernel = openKernelSymbols({ log: (line) => lines.push(line) })
    const isThere = await kernel.refresh()
    const own = /^([0-9a-f]{8})([0-9a-f]{8}) T vfs_read$/m.exec(readFileSync('/proc/kallsyms', 'utf8'))!
    if (own[1] === '00000000') {
      expect([isThere, lines.length]).toEqual([false, 1]) // not root: said once, no names
      return
    }
    const high = Number.parseInt(own[1]!, 16)
    const low = Number.parseInt(own[2]!, 16)
    expect(kernel.symbolAt(high, low + 1)).toEqual({ name: 'vfs_read', module: '' })
    expect(kernel.buildId).toMatch(/^[0-9a-f]+$/)
    expect(kernel.slide % 0x200000).toBe(0) // a kernel is moved by whole huge pages, or not at all
    expect(kernel.moduleBuildId('../../etc')).toBe('')
    expect(lines).toEqual([])
  })
})
