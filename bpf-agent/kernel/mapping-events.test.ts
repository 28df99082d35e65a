// The real kernel: needs root, or PERFMON. The reader of records alone needs nothing.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCpuList } from './cpus.ts'
import { type MappingEvent, openMappingEvents, readRecords } from './mapping-events.ts'

const isRoot = process.getuid?.() === 0
const cpus = isRoot ? parseCpuList(readFileSync('/sys/devices/system/cpu/online', 'latin1')) : []
const nowMs = () => Number(process.hrtime.bigint()) / 1e6

/** A record of a mapping as the kernel writes it. */
function mapRecord(path: string, { inode = 77n, start = 0x7f12a000n, length = 0x2000n, major = 254 } = {}) {
  const name = Buffer.from(`${path}\0`)
  const record = Buffer.alloc(72 + ((name.length + 7) & ~7) + 8)
  record.writeUInt32LE(10, 0)
  record.writeUInt16LE(record.length, 6)
  record.writeUInt32LE(1234, 8)
  record.writeBigUInt64LE(start, 16)
  record.writeBigUInt64LE(length, 24)
  record.writeBigUInt64LE(0x26000n, 32)
  record.writeUInt32LE(major, 40)
  record.writeUInt32LE(1, 44)
  record.writeBigUInt64LE(inode, 48)
  name.copy(record, 72)
  record.writeBigUInt64LE(5_000_000n, record.length - 8)
  return record
}

/** Records in a ring of 4 KB, the first of them at `from`. */
function read(records: readonly Buffer[], from = 0) {
  const data = Buffer.alloc(4096)
  const bytes = Buffer.concat(records)
  for (let i = 0; i < bytes.length; i++) data[(from + i) % data.length] = bytes[i]!
  const found: MappingEvent[] = []
  const lost = readRecords({ data, from, bytes: bytes.length }, found)
  return { found, lost }
}

describe('reading records', () => {
  const event = {
    ...{ kind: 'map', tgid: 1234, timeMs: 5, start: 0x7f12a000, end: 0x7f12c000, offset: 0x26000 },
    ...{ file: 'fe:01:77', path: '/usr/lib/libc.so.6' },
  }

  it('writes the file of a mapping as /proc/PID/maps does', () => {
    expect(read([mapRecord('/usr/lib/libc.so.6')]).found).toEqual([event])
    expect(read([mapRecord('/a', { inode: 2n ** 60n + 1n, major: 8 })]).found).toMatchObject([
      { file: `08:01:${2n ** 60n + 1n}` },
    ])
  })

  it('goes on where the ring ends, wherever that cuts a record', () => {
    const records = [mapRecord('/usr/lib/libc.so.6'), mapRecord('/usr/lib/libc.so.6')]
    for (let from = 4096 - 240; from < 4096; from += 8)
      expect(read(records, from).found).toEqual([event, event])
  })

  it('takes the vDSO, and no other memory without a file', () => {
    const none = { inode: 0n, major: 0 }
    const paths = read([mapRecord('//anon', none), mapRecord('[vdso]', none), mapRecord('[heap]', none)])
    expect(paths.found).toMatchObject([{ path: '[vdso]', file: '' }])
  })

  it('leaves out what lies above 2^53, and what has no length', () => {
    const records = [
      mapRecord('/a', { start: 0xffff_ffff_ff60_0000n }),
      mapRecord('/a', { length: 0n }),
      mapRecord('/a', { length: 2n ** 63n }),
    ]
    expect(read(records).found).toEqual([])
  })

  it('counts what was lost', () => {
    const lost = Buffer.alloc(32)
    lost.writeUInt32LE(2, 0)
    lost.writeUInt16LE(32, 6)
    lost.writeBigUInt64LE(17n, 16)
    expect(read([mapRecord('/usr/lib/libc.so.6'), lost])).toEqual({ found: [event], lost: 17 })
  })

  it('survives any bytes, and reads no more of them than there are', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0, maxLength: 400 }),
        fc.nat(511).map((n) => n * 8),
        (bytes, from) => {
          for (const { start, end, path } of read([Buffer.from(bytes)], from).found as Extract<
            MappingEvent,
            { kind: 'map' }
          >[])
            if (start !== undefined) {
              expect(start).toBeLessThan(end)
              expect(path.length).toBeLessThan(400)
            }
        },
      ),
    )
  })
})

describe.skipIf(!isRoot)('records of mapped code', () => {
  it('wake us when a program is executed, and tell what it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flametrail-mapping-'))
    const program = join(folder, 'a b\tc')
    copyFileSync('/bin/true', program)
    const events = openMappingEvents(cpus)
    try {
      events.take()
      const waiting = events.wait(10_000)
      const beganMs = nowMs()
      const { pid } = spawnSync(program)
      await waiting
      const all = events.take()
      expect(all.map(({ timeMs }) => timeMs)).toEqual(all.map(({ timeMs }) => timeMs).sort((a, b) => a - b))
      const found = all.filter(({ tgid }) => tgid === pid)
      expect(found[0]!.kind).toBe('program')
      const maps = found.slice(1).filter((one) => one.kind === 'map')
      expect(maps).toHaveLength(found.length - 1)
      expect(maps[0]!.path).toBe(program)
      expect(maps[1]!.path).toMatch(/\/ld-|\/ld64|\/ld-musl/)
      expect(maps[2]!.path).toBe('[vdso]')
      expect(maps.some(({ path }) => path.includes('/libc'))).toBe(true)
      for (const { timeMs } of found) {
        expect(timeMs).toBeGreaterThan(beganMs)
        expect(timeMs).toBeLessThan(nowMs())
      }
    } finally {
      events.close()
      rmSync(folder, { recursive: true })
    }
  })

  it('go on after the ring has turned many times', () => {
    const events = openMappingEvents(cpus)
    try {
      const missing: number[] = []
      for (let i = 0; i < 400; i++) {
        const { pid } = spawnSync('/bin/true')
        if (!events.take().some(({ tgid }) => tgid === pid)) missing.push(pid)
      }
      expect([missing, events.lost]).toEqual([[], 0])
    } finally {
      events.close()
    }
  })

  it('are counted when nobody reads them for long', () => {
    const events = openMappingEvents(cpus, 1)
    try {
      spawnSync('sh', ['-c', 'for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0; do /bin/true; done'])
      events.take()
      // The loss is told when there is room again, on the CPU where it happened.
      for (let i = 0; i < 50 && events.lost === 0; i++) {
        spawnSync('/bin/true')
        events.take()
      }
      expect(events.lost).toBeGreaterThan(0)
    } finally {
      events.close()
    }
  })

  it('end a wait when nothing comes, and when they are closed', async () => {
    const events = openMappingEvents(cpus.slice(0, 1))
    events.take()
    await events.wait(20)
    const waiting = events.wait(600_000)
    events.close()
    await waiting
    await events.wait(600_000)
    events.close()
  })
})
