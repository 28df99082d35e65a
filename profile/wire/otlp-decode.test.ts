import { describe, expect, it } from 'vitest'
import { labelsOf, labelValue } from '../model/labels.ts'
import { assertProfile, type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import { CPU, CPU_SAMPLES, printProfileType } from '../model/profile-type.ts'
import { decodeOtlpProfiles, decodeOtlpProfilesJson, type OtlpRequest } from './otlp-profiles.ts'
import {
  framesOfStack,
  LIMITS,
  RECEIVED_MS,
  type RequestSketch,
  requestBytes,
  STRINGS,
} from './otlp-testing.ts'
import type { WireLimits } from './wire-limits.ts'

const NS = BigInt(RECEIVED_MS) * 1_000_000n
/** main (1) calls work (2), into which inner is inlined; read (3) is the kernel's. */
const APP: RequestSketch = {
  strings: ['main', 'work', 'inner', 'read', 'app', 'vmlinux', 'main.c'],
  functions: [
    { nameStrindex: 5, filenameStrindex: 11 },
    { nameStrindex: 6 },
    { nameStrindex: 7 },
    { nameStrindex: 8 },
  ],
  attributes: [
    ['profile.frame.type', 'native'],
    ['profile.frame.type', 'kernel'],
    ['process.executable.build_id.gnu', 'ABCDEF0123456789'],
    ['thread.name', 'worker'],
    ['service.name', 'checkout'],
  ],
  mappings: [{ filenameStrindex: 9, attributeIndices: [3] }, { filenameStrindex: 10 }],
  locations: [
    { mappingIndex: 1, address: '4096', lines: [{ functionIndex: 1, line: '7' }], attributeIndices: [1] },
    {
      mappingIndex: 1,
      address: '8192',
      lines: [{ functionIndex: 3 }, { functionIndex: 2 }],
      attributeIndices: [1],
    },
    {
      mappingIndex: 2,
      address: '18446744071562067968',
      lines: [{ functionIndex: 4 }],
      attributeIndices: [2],
    },
    { mappingIndex: 1, address: '12288', attributeIndices: [1] },
  ],
  stacks: [
    [2, 1],
    [3, 2, 1],
    [4, 1],
  ],
  resource: { 'service.name': 'shop', 'host.name': 'web-1', 'process.pid': 7 },
}

function decode(sketch: RequestSketch, limits: Partial<WireLimits> = {}): OtlpRequest {
  const result = decodeOtlpProfiles(requestBytes(sketch), {
    limits: { ...LIMITS, ...limits },
    receivedMs: RECEIVED_MS,
  })
  if (!result.ok) throw new Error(result.error.message)
  for (const profile of result.value.profiles) assertProfile(profile)
  return result.value
}
const failureOf = (bytes: Uint8Array, limits: Partial<WireLimits> = {}) => {
  const result = decodeOtlpProfiles(bytes, { limits: { ...LIMITS, ...limits }, receivedMs: RECEIVED_MS })
  return result.ok ? undefined : result.error
}
/** Rows as "frames @ window = value". */
const rows = (profile: Profile | undefined) =>
  profile === undefined
    ? []
    : Array.from(profile.samples.stack, (stack, row) => {
        const frames = framesOfStack(profile, stack).map((frame) => frame.split(' ')[0])
        return `${frames.join(' < ')} @ ${profile.samples.timeMs[row]! - RECEIVED_MS} = ${profile.samples.value[row]}`
      })
const labelsIn = (request: OtlpRequest) => request.profiles.flatMap(({ labelSets }) => labelSets)

describe('a request', () => {
  it.each(['1.9', '1.10'] as const)('of layout %s becomes stacks, values and windows', (layout) => {
    const request = decode({
      ...APP,
      layout,
      samples: [
        { stack: 1, attributes: [4], values: [5, 6] },
        { stack: 2, attributes: [4], timestamps: [NS, NS + 9_999_999_999n, NS + 10_000_000_000n] },
        { stack: 3, attributes: [4], values: [2, 3], timestamps: [NS, NS - 1n] },
      ],
    })
    expect(request.profiles.length).toBe(1)
    const profile = request.profiles[0]!
    expect(profile.type).toEqual(CPU_SAMPLES)
    expect([profile.period, profile.timeMs - RECEIVED_MS, profile.durationMs]).toEqual([
      10_000_000, -10_000, 20_000,
    ])
    expect(rows(profile)).toEqual([
      'inner|work < main @ 0 = 11',
      'read < inner|work < main @ 0 = 2',
      'read < inner|work < main @ 10000 = 1',
      ' < main @ 0 = 2',
      ' < main @ -10000 = 3',
    ])
    expect(request.warnings.join()).toBe(
      layout === '1.9' ? 'the request is in the layout of OTLP 1.8 or 1.9; update the sender to 1.10' : '',
    )
  })

  it('keeps kinds, binaries, build IDs and addresses beyond 2^53', () => {
    const { profiles } = decode({ ...APP, samples: [{ stack: 2, values: [1] }] })
    const profile = profiles[0]!
    expect(framesOfStack(profile, profile.samples.stack[0]!)).toEqual([
      'read kernel 18446744071562067968',
      'inner|work native 8192',
      'main native 4096',
    ])
    const text = (ids: Uint32Array) => Array.from(ids, (id) => profile.strings[id])
    expect(text(profile.mappings.file)).toEqual(['', 'app', 'vmlinux'])
    expect(text(profile.mappings.buildId)).toEqual(['', 'abcdef0123456789', ''])
    expect(Array.from(profile.lines.line)).toEqual([7, 0, 0, 0])
  })

  it('has one profile per type and period, on the same tables', () => {
    const [one, other] = [
      requestBytes({ ...APP, samples: [{ stack: 1, values: [1] }] }),
      requestBytes({ profile: { period: '7' } }),
    ]
    // Two messages one after the other are one, says protobuf: the second resource has no samples, the tables add up.
    const result = decodeOtlpProfiles(Buffer.concat([one, other]), {
      limits: LIMITS,
      receivedMs: RECEIVED_MS,
    })
    expect(result.ok && result.value.profiles.map(({ period }) => period)).toEqual([10_000_000])
    const twice = Buffer.concat([
      one,
      requestBytes({ profile: { period: '7' }, samples: [{ stack: 1, values: [4] }] }),
    ])
    const both = decodeOtlpProfiles(twice, { limits: LIMITS, receivedMs: RECEIVED_MS })
    if (!both.ok) throw new Error(both.error.message)
    expect(both.value.profiles.map(({ period }) => period)).toEqual([10_000_000, 7])
    expect(both.value.profiles[1]!.stacks).toBe(both.value.profiles[0]!.stacks)
    expect(both.value.profiles[1]!.strings).toBe(both.value.profiles[0]!.strings)
  })

  it('that is empty is a success', () => {
    expect(decodeOtlpProfiles(new Uint8Array(0), { limits: LIMITS, receivedMs: RECEIVED_MS })).toEqual({
      ok: true,
      value: { profiles: [], agents: [], rejected: [], cut: [], warnings: [] },
    })
  })

  it('without times gets the time of receipt, and a warning', () => {
    const untimed = { ...APP, profile: { timeUnixNano: '0' } }
    const request = decode({ ...untimed, samples: [{ stack: 1, values: [1] }] })
    expect(rows(request.profiles[0])).toEqual(['inner|work < main @ 0 = 1'])
    expect(request.warnings).toEqual([
      '1 profiles without a time (0 or before 2000) were given the time of receipt (timestamp_missing)',
    ])
    const old = decode({ ...APP, samples: [{ stack: 1, timestamps: [5n, NS] }] })
    expect(rows(old.profiles[0])).toEqual(['inner|work < main @ 0 = 2'])
    expect(old.warnings.length).toBe(1)
    expect(decode({ ...untimed, samples: [{ stack: 1, timestamps: [NS] }] }).warnings).toEqual([])
  })

  it('counts a sample with neither values nor timestamps as nothing, and says so', () => {
    const request = decode({ ...APP, samples: [{ stack: 1 }, { stack: 1, values: [2] }] })
    expect(rows(request.profiles[0])).toEqual(['inner|work < main @ 0 = 2'])
    expect(request.warnings).toEqual(['1 samples with neither values nor timestamps count nothing'])
  })

  it('names the frame where unwinding was given up', () => {
    const request = decode({
      ...APP,
      attributes: [['profile.frame.type', TRUNCATED_KIND]],
      mappings: [],
      locations: [
        { lines: [{ functionIndex: 1 }] },
        { attributeIndices: [1], lines: [{ functionIndex: 2 }] },
      ],
      stacks: [[1, 2]],
      samples: [{ stack: 1, values: [1] }],
    })
    const profile = request.profiles[0]!
    expect(framesOfStack(profile, profile.samples.stack[0]!)).toEqual([
      'main  0',
      `${TRUNCATED_NAME} ${TRUNCATED_KIND} 0`,
    ])
  })

  it('turns the build IDs of Go into hex', () => {
    const { profiles } = decode({
      strings: ['app'],
      attributes: [['process.executable.build_id.go', 'aZ/_-']],
      mappings: [{ filenameStrindex: 5, attributeIndices: [1] }],
      samples: [{ stack: 0, values: [1] }],
    })
    expect(profiles[0]!.strings[profiles[0]!.mappings.buildId[1]!]).toBe('615a2f5f2d')
  })
})

describe('profile types', () => {
  const type = (sample: [string, string], period: [string, string]) => {
    const words = [...sample, ...period]
    const request = decode({
      strings: words,
      profile: {
        sampleType: { typeStrindex: 5, unitStrindex: 6 },
        periodType: period[0] === '' ? {} : { typeStrindex: 7, unitStrindex: 8 },
      },
      samples: [{ stack: 0, values: [1] }],
    })
    return request.profiles[0] ? printProfileType(request.profiles[0].type) : request.rejected[0]!.message
  }

  it.each<[[string, string], [string, string], string]>([
    [['samples', 'count'], ['cpu', 'nanoseconds'], printProfileType(CPU_SAMPLES)],
    [['cpu', 'nanoseconds'], ['cpu', 'nanoseconds'], printProfileType(CPU)],
    [['off_cpu', 'nanoseconds'], ['context_switch', 'count'], 'off_cpu:off_cpu:nanoseconds::'],
    [['inuse_space', 'bytes'], ['space', 'bytes'], 'space:inuse_space:bytes:space:bytes'],
    [['events', 'count'], ['', ''], 'events:events:count::'],
  ])('%j per %j', (sample, period, id) => {
    expect(type(sample, period)).toBe(id)
  })

  it('are refused without a unit, with a colon, or as long texts', () => {
    expect(type(['cpu', ''], ['', ''])).toContain('"cpu/ per /"; it needs a type and a unit')
    expect(type(['a:b', 'count'], ['', ''])).toContain('may hold no colon')
    expect(type(['a'.repeat(101), 'count'], ['', ''])).toContain('at most 100 characters')
  })
})

describe('labels', () => {
  const labels = (resource: Record<string, string | number>, limits: Partial<WireLimits> = {}) =>
    decode({ ...APP, resource, samples: [{ stack: 1, values: [1] }] }, limits)
  const service = (resource: Record<string, string | number>) =>
    labelValue(labelsIn(labels(resource))[0]!, 'service_name')

  it('are the attributes that tell services apart, under our names', () => {
    const resource = {
      'service.name': 'shop',
      'service.version': '1.2',
      'host.name': 'web-1',
      'process.executable.name': 'shopd',
      'flametrail.comm': 'worker',
      'k8s.pod.name': 'shop-1',
      'k8s.pod.uid': 'x',
      'cloud.region': 'eu',
      'process.pid': 12,
      'process.command_line': 'shopd --password=1',
      'flametrail.cpus': 4,
      team: 'a',
    }
    expect(labelsIn(labels(resource))).toEqual([
      labelsOf([
        ['service_name', 'shop'],
        ['service.version', '1.2'],
        ['host', 'web-1'],
        ['executable', 'shopd'],
        ['comm', 'worker'],
        ['k8s.pod.name', 'shop-1'],
        ['cloud.region', 'eu'],
      ]),
    ])
  })

  it.each<[Record<string, string | number>, string]>([
    [{ 'service.name': 'shop', 'container.name': 'c' }, 'shop'],
    [{ 'service.name': 'unknown_service:node', 'container.name': 'c' }, 'c'],
    [{ 'k8s.deployment.name': 'd', 'container.name': 'c' }, 'd'],
    [{ 'systemd.unit': 'nginx.service', 'process.executable.name': 'nginx' }, 'nginx.service'],
    [{ 'process.executable.name': 'nginx', 'process.pid': 1 }, 'nginx'],
    [{ 'process.executable.path': '/usr/bin/nginx', 'process.pid': 1 }, 'nginx'],
    [{ 'process.pid': 77 }, '[kernel]'],
    [{ 'service.name': 'unknown_service:node' }, 'unknown_service:node'],
    [{}, 'unknown_service'],
  ])('name the service: %j is %s', (resource, name) => {
    expect(service(resource)).toBe(name)
  })

  it('follow the service.name of a sample', () => {
    const request = decode({
      ...APP,
      samples: [
        { stack: 1, attributes: [5], values: [1] },
        { stack: 1, attributes: [4], values: [2] },
      ],
    })
    expect(labelsIn(request).map((set) => labelValue(set, 'service_name'))).toEqual(['checkout', 'shop'])
    expect(Array.from(request.profiles[0]!.samples.labelSet)).toEqual([0, 1])
  })

  it('beyond the limit are cut, the well-known ones stay', () => {
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k8s.a${i}.name`, 'x']))
    const request = labels({ ...many, 'service.name': 's', 'host.name': 'h' }, { labelNames: 3 })
    expect(labelsIn(request)).toEqual([
      [
        ['host', 'h'],
        ['k8s.a0.name', 'x'],
        ['service_name', 's'],
      ],
    ])
    expect(request.cut).toEqual([{ reason: 'label_names', count: 8 }])
  })

  it('that are too long refuse their profiles, naming the key', () => {
    const value = labels({ 'host.name': 'ü'.repeat(1025) })
    expect(value.profiles).toEqual([])
    expect(value.rejected).toEqual([
      {
        reason: 'label_value_bytes',
        count: 1,
        key: 'limits.labelValueBytes',
        message: `the label value of host "${'ü'.repeat(40)}…" has 2,050 bytes; allowed are 2,048 (limits.labelValueBytes)`,
      },
    ])
    const name = labels({ [`service.${'n'.repeat(2000)}`]: 'x' })
    expect(name.rejected[0]).toMatchObject({ reason: 'label_name_bytes', key: 'limits.labelNameBytes' })
  })
})

describe('an agent', () => {
  const counters = {
    'service.name': 'flametrail-agent',
    'service.instance.id': 'ab12',
    'host.name': 'web-1',
    'flametrail.version': '0.1.0',
    'flametrail.started_ms': 1,
    'flametrail.reported_ms': 2,
    'flametrail.frequency_hz': 19,
    'flametrail.cpus': 2,
    'flametrail.samples.expected': 380.5,
    'flametrail.samples.idle': 100,
    'flametrail.samples.received': 270,
    'flametrail.samples.dropped.ring_full': 10,
    'flametrail.samples.stops.root': 200,
  }

  it('reports its accounting', () => {
    const request = decode({ resource: counters })
    expect(request.profiles).toEqual([])
    expect(request.agents).toEqual([
      {
        host: 'web-1',
        agentId: 'ab12',
        version: '0.1.0',
        startedMs: 1,
        reportedMs: 2,
        frequencyHz: 19,
        cpus: 2,
        expected: 380.5,
        idle: 100,
        received: 270,
        dropped: new Map([['ring_full', 10]]),
        stops: new Map([['root', 200]]),
      },
    ])
  })

  it.each<[Record<string, string | number>, string]>([
    [{ 'flametrail.samples.idle': -1 }, 'wrong counters: flametrail.samples.idle is -1'],
    [{ 'flametrail.samples.idle': 'many' }, 'flametrail.samples.idle is many'],
    [{ 'flametrail.samples.dropped.ring_full': 1e300 }, 'flametrail.samples.dropped.ring_full is 1e+300'],
    [{ 'flametrail.cpus': '' }, 'flametrail.cpus is missing'],
    [{ 'service.instance.id': '' }, 'needs service.instance.id'],
  ])('with wrong counters is not believed: %j', (change, sentence) => {
    const request = decode({ resource: { ...counters, ...change } })
    expect(request.agents).toEqual([])
    expect(request.warnings.join()).toContain(sentence)
  })
})

describe('what is refused by profile', () => {
  const refusal = (sketch: RequestSketch, limits: Partial<WireLimits> = {}) => {
    const request = decode({ ...APP, ...sketch }, limits)
    expect(request.profiles).toEqual([])
    expect(request.rejected.length).toBe(1)
    return request.rejected[0]!
  }

  it.each<[string, RequestSketch]>([
    ['a stack', { samples: [{ stack: 4, values: [1] }] }],
    ['a negative stack', { samples: [{ stack: -1, values: [1] }] }],
    ['a location', { stacks: [[5]], samples: [{ stack: 1, values: [1] }] }],
    ['a mapping', { locations: [{ mappingIndex: 3 }], stacks: [[1]], samples: [{ stack: 1, values: [1] }] }],
    [
      'a function',
      { locations: [{ lines: [{ functionIndex: 5 }] }], stacks: [[1]], samples: [{ stack: 1, values: [1] }] },
    ],
    [
      'an attribute of a location',
      { locations: [{ attributeIndices: [6] }], stacks: [[1]], samples: [{ stack: 1, values: [1] }] },
    ],
    ['an attribute of a sample', { samples: [{ stack: 1, attributes: [6], values: [1] }] }],
    [
      'a string of a type',
      { profile: { sampleType: { typeStrindex: 99 } }, samples: [{ stack: 1, values: [1] }] },
    ],
    [
      'a string of a function',
      {
        functions: [{ nameStrindex: 99 }],
        locations: [{ lines: [{ functionIndex: 1 }] }],
        stacks: [[1]],
        samples: [{ stack: 1, values: [1] }],
      },
    ],
  ])('%s out of range', (_, sketch) => {
    const refused = refusal(sketch)
    expect(refused).toMatchObject({ reason: 'index_out_of_range', count: 1 })
    expect(refused.message).toContain('does not exist or points outside its own tables')
  })

  it('a row that points nowhere, only where it is used', () => {
    const request = decode({ ...APP, stacks: [[2, 1], [99]], samples: [{ stack: 1, values: [1] }] })
    expect(request.rejected).toEqual([])
    expect(rows(request.profiles[0])).toEqual(['inner|work < main @ 0 = 1'])
  })

  it.each<[string, RequestSketch, string]>([
    ['value_negative', { samples: [{ stack: 1, values: [-1] }] }, 'the value -1; allowed are 0 to 2^53'],
    ['value_too_large', { samples: [{ stack: 1, values: [2n ** 53n] }] }, 'the value 9007199254740992'],
    [
      'value_too_large',
      { samples: [{ stack: 1, values: Array(9).fill(2n ** 50n) }] },
      'allowed are 0 to 2^53',
    ],
    [
      'values_and_timestamps_differ',
      { samples: [{ stack: 1, values: [1, 2], timestamps: [NS], attributes: [1, 2] }] },
      '2 values and 1 timestamps',
    ],
    ['period', { profile: { period: '-1' }, samples: [{ stack: 1, values: [1] }] }, 'the period is -1'],
  ])('%s', (reason, sketch, sentence) => {
    const refused = refusal(sketch)
    expect(refused.reason).toBe(reason)
    expect(refused.message).toContain(sentence)
  })

  it('more samples than allowed, with the key; half of a profile is not kept', () => {
    const samples = Array(4).fill({ stack: 1, values: [1] })
    expect(refusal({ samples }, { samplesMax: 3 })).toEqual({
      reason: 'samples_max',
      count: 1,
      key: 'limits.samplesMax',
      message: 'the profile has more than 3 samples (limits.samplesMax); send shorter windows or raise it',
    })
    expect(refusal({ samples: [{ stack: 1, timestamps: Array(4).fill(NS) }] }, { samplesMax: 3 }).key).toBe(
      'limits.samplesMax',
    )
  })
})

describe('what is refused as a whole', () => {
  it('bytes that are no request, with their position', () => {
    expect(failureOf(Buffer.from('<html>'))).toMatchObject({
      message: expect.stringContaining('not an OTLP profiles request: '),
    })
    expect(failureOf(Uint8Array.of(0x0a, 200))).toMatchObject({ position: 1 })
  })

  it('more profiles or rows than allowed', () => {
    const bytes = requestBytes(APP)
    expect(failureOf(Buffer.concat([bytes, bytes]), { profilesPerRequest: 1 })?.message).toBe(
      'the request has more than 1 profiles (limits.profilesPerRequest); send smaller batches or raise it',
    )
    expect(failureOf(bytes, { tableEntries: 20 })?.message).toBe(
      'the request has more than 20 rows in its tables (limits.tableEntries); send shorter windows or raise it',
    )
  })
})

describe('what is cut', () => {
  it('a deep stack, in its middle, keeping the root, a marker and the leaf', () => {
    //  150 frames f149 … f0 (root), 140 allowed: 64 at the root, a marker, 75 at the leaf
    const names = Array.from({ length: 150 }, (_, i) => `f${i}`)
    const request = decode(
      {
        strings: names,
        functions: names.map((_, i) => ({ nameStrindex: STRINGS.length + i })),
        locations: names.map((_, i) => ({ lines: [{ functionIndex: i + 1 }] })),
        stacks: [names.map((_, i) => 150 - i)],
        samples: [{ stack: 1, values: [1] }],
      },
      { stackDepth: 140 },
    )
    const profile = request.profiles[0]!
    const frames = framesOfStack(profile, profile.samples.stack[0]!).map((frame) => frame.split('  ')[0])
    expect(frames).toEqual([
      ...names.slice(75).toReversed(),
      '[11 frames cut]',
      ...names.slice(0, 64).toReversed(),
    ])
    expect(request.cut).toEqual([{ reason: 'stack_depth', count: 1 }])
  })

  it('a stack deep by inlining, by whole locations', () => {
    const request = decode(
      { ...APP, stacks: [[2, 2, 2, 2]], samples: [{ stack: 1, values: [1] }] },
      { stackDepth: 5 },
    )
    expect(rows(request.profiles[0])).toEqual(['inner|work < [4 < inner|work @ 0 = 1'])
  })

  it('a long name, in its middle, so that different names stay different', () => {
    const long = (letter: string) => `${'ü'.repeat(5_000)}${letter}${'z'.repeat(5_000)}`
    const request = decode({
      strings: [long('a'), long('b')],
      functions: [{ nameStrindex: 5 }, { nameStrindex: 6 }],
      locations: [{ lines: [{ functionIndex: 1 }] }, { lines: [{ functionIndex: 2 }] }],
      stacks: [[1], [2]],
      samples: [
        { stack: 1, values: [1] },
        { stack: 2, values: [1] },
      ],
    })
    const { strings, functions } = request.profiles[0]!
    const [one, other] = [strings[functions.name[1]!]!, strings[functions.name[2]!]!]
    expect(one).toMatch(/^ü+…\[\d+ bytes cut, [0-9a-f]{16}\]…z+$/)
    expect(new TextEncoder().encode(one).length).toBeLessThanOrEqual(8_192)
    expect(one).not.toBe(other)
    expect(request.cut).toEqual([{ reason: 'string_bytes', count: 2 }])
  })
})

describe('JSON', () => {
  const json = (text: string) => decodeOtlpProfilesJson(text, { limits: LIMITS, receivedMs: RECEIVED_MS })

  it('is read through the same door: numbers as texts or numbers, unknown keys ignored', () => {
    const result = json(
      JSON.stringify({
        dictionary: {
          stringTable: [...STRINGS, 'main'],
          functionTable: [{}, { nameStrindex: 5 }],
          locationTable: [{}, { address: '18446744073709551615', lines: [{ functionIndex: 1, line: 3 }] }],
          linkTable: [{ traceId: '0102', spanId: '03' }],
          stackTable: [{}, { locationIndices: [1] }],
        },
        resourceProfiles: [
          {
            resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
            schemaUrl: 'x',
            scopeProfiles: [
              {
                profiles: [
                  {
                    sampleType: { typeStrindex: 1, unitStrindex: 2 },
                    periodType: { typeStrindex: 3, unitStrindex: 4 },
                    period: 10,
                    samples: [
                      {
                        stackIndex: 1,
                        linkIndex: 1,
                        values: ['2', 3],
                        timestampsUnixNano: [String(NS), String(NS)],
                      },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      }),
    )
    if (!result.ok) throw new Error(result.error.message)
    expect(rows(result.value.profiles[0])).toEqual(['main @ 0 = 5'])
    expect(labelsIn(result.value)).toEqual([[['service_name', 'shop']]])
  })

  it.each([
    ['', 'not an OTLP profiles request in JSON'],
    ['<html>', 'not an OTLP profiles request in JSON'],
    ['[]', 'not an OTLP profiles request in JSON'],
    ['{"resourceProfiles":1}', 'not an OTLP profiles request in JSON'],
    [
      '{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"period":"NaN"}]}]}]}',
      'not an OTLP profiles request in JSON',
    ],
    [`${'['.repeat(100_000)}`, 'not an OTLP profiles request in JSON'],
    ['x'.repeat(8 * 2 ** 20 + 1), 'allowed are 8388608: send application/x-protobuf'],
  ])('that is none is refused: %.40s', (text, sentence) => {
    const result = json(text)
    expect(result.ok ? 'accepted' : result.error.message).toContain(sentence)
  })
})
