import { describe, expect, it } from 'vitest'
import { constantOf, namesOf, offsetOf, parseObjectSpec, sizeOf } from './object-spec.ts'
import { SPEC } from './testing.ts'

const without = (change: (spec: Record<string, unknown>) => void): string => {
  const copy = structuredClone(SPEC) as unknown as Record<string, unknown>
  change(copy)
  const parsed = parseObjectSpec(JSON.stringify(copy))
  return parsed.ok ? 'accepted' : parsed.error.message
}

describe('parseObjectSpec', () => {
  it('accepts a complete manifest', () => {
    expect(parseObjectSpec(JSON.stringify(SPEC))).toEqual({ ok: true, value: SPEC })
  })

  it.each([
    [
      'a map',
      (spec: Record<string, unknown>) => Object.assign(spec, { maps: SPEC.maps.slice(1) }),
      'lacks map config;',
    ],
    [
      'all programs',
      (spec: Record<string, unknown>) => Object.assign(spec, { programs: 'none' }),
      'lacks program on_tick',
    ],
    [
      'a field',
      (spec: Record<string, unknown>) =>
        delete (spec.structs as typeof SPEC.structs as Record<string, { fields: Record<string, unknown> }>)
          .record!.fields.tgid,
      'lacks record.tgid;',
    ],
    [
      'an enum',
      (spec: Record<string, unknown>) => Object.assign(spec, { enums: {} }),
      'lacks enum stop_reason',
    ],
    [
      'a length',
      (spec: Record<string, unknown>) => Object.assign(spec, { dataBytes: -1 }),
      'lacks dataBytes;',
    ],
  ])('names what a manifest without %s lacks', (_, change, message) => {
    expect(without(change)).toContain(message)
    expect(without(change)).toContain('npm run build bpf')
  })

  it.each(['', 'null', '[]', '7', '{"maps": [null]}'])('refuses %j with the cure', (text) => {
    const parsed = parseObjectSpec(text)
    expect(parsed.ok ? '' : parsed.error.message).toContain('npm run build bpf')
  })
})

describe('what a spec says', () => {
  it('names constants for people', () => {
    expect(namesOf(SPEC, 'stop_reason')).toEqual(['fp_zero', 'bad_fp'])
  })

  it('knows offsets, sizes and values', () => {
    expect(offsetOf(SPEC, 'record', 'tgid')).toBe(32)
    expect(sizeOf(SPEC, 'record')).toBe(64)
    expect(constantOf(SPEC, 'cgroup_verdict', 'CGROUP_SKIP')).toBe(1)
  })

  it('throws for what is not there: the caller is wrong', () => {
    expect(() => offsetOf(SPEC, 'record', 'colour')).toThrow('no field colour')
    expect(() => sizeOf(SPEC, 'colour')).toThrow('no struct colour')
    expect(() => constantOf(SPEC, 'stop_reason', 'STOP_LIGHT')).toThrow('no STOP_LIGHT')
  })
})
