// The reader and the writer against the kept library, over random fields, and each on bytes that break the format.
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FIXED64, MalformedBytes, ProtoReader, VARINT } from './proto-reader.ts'
import { ProtoWriter } from './proto-writer.ts'

const u64 = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 300n))
const halves = (value: bigint) => [Number(value >> 32n), Number(value & 0xffff_ffffn)] as const
const field = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2 ** 29 - 1 }))
const value = (reader: ProtoReader) => (BigInt(reader.high) << 32n) | BigInt(reader.low)

describe('the reader', () => {
  it('reads what the library writes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(field, u64)), (fields) => {
        const writer = new BinaryWriter()
        for (const [number, one] of fields) {
          writer.tag(number, WireType.Varint).uint64(one)
          writer.tag(number, WireType.Bit64).fixed64(one)
          writer.tag(number, WireType.LengthDelimited).bytes(new Uint8Array(Number(one % 300n)))
        }
        const reader = new ProtoReader(writer.finish())
        for (const [number, one] of fields) {
          expect([reader.next(), reader.field, reader.wire, value(reader)]).toEqual([
            true,
            number,
            VARINT,
            one,
          ])
          expect([reader.next(), reader.field, reader.wire, value(reader)]).toEqual([
            true,
            number,
            FIXED64,
            one,
          ])
          expect([reader.next(), reader.field, reader.stop - reader.start]).toEqual([
            true,
            number,
            Number(one % 300n),
          ])
        }
        expect(reader.next()).toBe(false)
      }),
    )
  })

  it('reads negative numbers as the library writes them', () => {
    const bytes = new BinaryWriter()
      .tag(1, WireType.Varint)
      .int32(-1)
      .tag(2, WireType.Varint)
      .int64(-5n)
      .finish()
    const reader = new ProtoReader(bytes)
    reader.next()
    expect(reader.signed()).toBe(-1)
    reader.next()
    expect(reader.signed()).toBe(-5)
  })

  it('reads repeated numbers, packed or not', () => {
    const list = (bytes: number[]) => {
      const reader = new ProtoReader(Uint8Array.from(bytes))
      const values: number[] = []
      while (reader.next()) reader.eachVarint(() => values.push(reader.signed()))
      return values
    }
    expect(list([0x0a, 4, 1, 0x80, 1, 3])).toEqual([1, 128, 3])
    expect(list([0x08, 1, 0x08, 0x80, 1, 0x0a, 1, 3])).toEqual([1, 128, 3])
  })

  it.each([
    [[0x00], 'no field number at byte 0'],
    [[0x0b], 'wire type 3 at byte 0'],
    [[0x08], 'inside a number'],
    [[0x08, 0x80], 'inside a number'],
    [[0x08, ...Array(10).fill(0x80), 1], 'longer than 10 bytes'],
    [[0x09, 1, 2, 3], 'inside a number of 8'],
    [[0x0d, 1], 'inside a number of 4'],
    [[0x0a, 5, 1], 'field 1 at byte 0 is longer than the 1 bytes that follow'],
    [[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 'is longer than the'],
  ])('refuses %j with a position', (bytes, sentence) => {
    const reader = new ProtoReader(Uint8Array.from(bytes))
    expect(() => {
      while (reader.next());
    }).toThrow(MalformedBytes)
    reader.enter(0, bytes.length)
    expect(() => {
      while (reader.next());
    }).toThrow(sentence)
  })

  it('never leaves the message it entered', () => {
    const reader = new ProtoReader(Uint8Array.of(0x0a, 2, 0x08, 0x80, 1), 2, 4)
    expect(() => reader.next()).toThrow('the bytes end at 4 inside a number')
  })
})

describe('the writer', () => {
  it('writes what the library reads', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(field, u64, fc.string({ maxLength: 300, unit: 'grapheme' }))),
        (fields) => {
          const writer = new ProtoWriter()
          for (const [number, one, text] of fields) {
            writer.varint64(number, ...halves(one))
            writer.fixed64(number, ...halves(one))
            writer.message(number, () => {
              writer.text(1, text)
              writer.packed(2, [Number(one % 2n ** 53n), 0])
              writer.double(3, 0.1)
            })
          }
          const reader = new BinaryReader(writer.finish())
          for (const [number, one, text] of fields) {
            if (one !== 0n) {
              expect(reader.tag()).toEqual([number, WireType.Varint])
              expect(reader.uint64()).toBe(one)
            }
            expect(reader.tag()).toEqual([number, WireType.Bit64])
            expect(reader.fixed64()).toBe(one)
            expect(reader.tag()).toEqual([number, WireType.LengthDelimited])
            const message = new BinaryReader(reader.bytes())
            message.tag()
            expect(message.string()).toBe(text)
            message.tag()
            const packed = new BinaryReader(message.bytes())
            expect([packed.uint64(), packed.uint64()]).toEqual([one % 2n ** 53n, 0n])
            message.tag()
            expect(message.double()).toBe(0.1)
          }
          expect(reader.pos).toBe(reader.len)
        },
      ),
    )
  })

  it('moves a message whose length needs more bytes', () => {
    const writer = new ProtoWriter()
    writer.message(1, () => writer.message(2, () => writer.text(3, 'x'.repeat(20_000))))
    const bytes = writer.finish()
    expect(bytes.length).toBe(1 + 3 + 1 + 3 + 1 + 3 + 20_000)
    const reader = new ProtoReader(bytes)
    for (const number of [1, 2, 3]) {
      expect([reader.next(), reader.field]).toEqual([true, number])
      reader.enter(reader.start, reader.stop)
    }
    expect(reader.end - reader.position).toBe(20_000)
  })
})
