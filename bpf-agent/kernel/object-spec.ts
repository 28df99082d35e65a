// What is in the BPF object? The manifest beside it, checked once: maps, programs, struct layouts and enum names come
// from the object's own BTF, so nothing of bpf/abi.h is declared a second time here. Pure: bytes in, spec out.
import { failure, type Result, success } from '#profile/model/result'

export interface Field {
  /** Bytes from the start of the struct. */
  readonly offset: number
  /** Bytes, all elements together. */
  readonly size: number
  readonly count: number
}
export interface StructLayout {
  readonly size: number
  readonly fields: Readonly<Record<string, Field>>
}
export interface MapSpec {
  readonly name: string
  /** enum bpf_map_type. */
  readonly type: number
  readonly entries: number
  /** BPF_F_… of linux/bpf.h. */
  readonly flags: number
  readonly keyBytes: number
  readonly valueBytes: number
  /** Of a map of maps: what its maps must be. */
  readonly inner?: Omit<MapSpec, 'name' | 'inner'>
}
export interface ObjectSpec {
  readonly arch: string
  /** Hash of all layouts and names: equal for objects that speak the same language. */
  readonly abi: string
  /** SHA-256 of the .bin file, hex. */
  readonly sha256: string
  readonly loaderBytes: number
  readonly dataBytes: number
  /** In the order of the loader's context. */
  readonly maps: readonly MapSpec[]
  readonly programs: readonly string[]
  readonly structs: Readonly<Record<string, StructLayout>>
  /** Names by value: 0, 1, … */
  readonly enums: Readonly<Record<string, readonly string[]>>
}

/** What this agent needs to find; a manifest without it is of another version. */
const NEEDED = {
  maps: [
    ...['config', 'cgroups', 'procs', 'vmas', 'pages', 'rules', 'rows', 'pythons'],
    ...['snapshots', 'counters', 'samples', 'events'],
  ],
  programs: ['on_tick', 'on_fork', 'on_exec', 'on_exit'],
  structs: {
    record: [
      ...['tgid', 'tid', 'start_ticks', 'cpu', 'stop', 'flags', 'n_kernel', 'n_user', 'n_ext'],
      ...['time_ns', 'cgroup_id', 'comm'],
    ],
    event: ['kind', 'tgid', 'other', 'start_ticks', 'time_ns', 'cgroup_id'],
    counters: [
      ...['ticks', 'idle', 'records', 'dropped', 'stopped', 'events', 'events_lost', 'own_ns', 'steps'],
      ...['snapshots', 'snapshots_left_out'],
    ],
    config: ['user_frames_max', 'has_tables', 'snapshot_bytes'],
    proc: ['first_vma', 'n_vma', 'start_ticks', 'flags', 'runtime'],
    vma: ['start', 'len_pages', 'page_base', 'bias', 'first_page', 'n_pages'],
    range: ['first', 'n'],
    rule: ['kind', 'fp_kind', 'cfa', 'fp_off', 'aux'],
    python: [
      ...[
        'interpreters',
        'loop_start',
        'loop_end',
        'cold_start',
        'cold_end',
        'interpreter_next',
        'interpreter_threads',
      ],
      ...[
        'thread_next',
        'thread_id',
        'thread_frame',
        'code_instructions',
        'kind',
        'is_indirect',
        'frame_bytes',
      ],
      ...['frame_code', 'frame_back', 'frame_instruction', 'frame_entry', 'unit_shift', 'loop_begins'],
    ],
  },
  enums: [
    ...['stop_reason', 'drop_reason', 'event_kind', 'cgroup_verdict'],
    ...['record_flag', 'step_kind', 'rule_kind', 'fp_kind', 'proc_flag', 'python_kind'],
  ],
} as const

/** Reads a manifest.
 *  errors  what is missing, with the cure: the build is the only one who writes it */
export function parseObjectSpec(text: string): Result<ObjectSpec> {
  let spec: ObjectSpec
  try {
    spec = JSON.parse(text) as ObjectSpec
  } catch (error) {
    return failure(`the BPF manifest is no JSON (${(error as Error).message}); ${CURE}`)
  }
  if (typeof spec !== 'object' || spec === null)
    return failure(`the BPF manifest is ${text.slice(0, 20)}; ${CURE}`)
  const missing = missingParts(spec)
  if (missing.length > 0) return failure(`the BPF manifest lacks ${missing.join(', ')}; ${CURE}`)
  return success(spec)
}

const CURE = 'rebuild it: npm run build bpf'

function missingParts(spec: ObjectSpec): string[] {
  const missing: string[] = []
  const need = (name: string, isThere: boolean) => {
    if (!isThere) missing.push(name)
  }
  for (const key of ['loaderBytes', 'dataBytes'] as const)
    need(key, Number.isSafeInteger(spec[key]) && spec[key] > 0)
  for (const key of ['arch', 'abi', 'sha256'] as const) need(key, typeof spec[key] === 'string')
  const maps = Array.isArray(spec.maps) ? spec.maps.map((map) => map?.name) : []
  for (const name of NEEDED.maps) need(`map ${name}`, maps.includes(name))
  const programs = Array.isArray(spec.programs) ? spec.programs : []
  for (const name of NEEDED.programs) need(`program ${name}`, programs.includes(name))
  for (const [struct, fields] of Object.entries(NEEDED.structs))
    for (const field of fields) need(`${struct}.${field}`, isField(spec.structs?.[struct]?.fields?.[field]))
  for (const name of NEEDED.enums) need(`enum ${name}`, Array.isArray(spec.enums?.[name]))
  return missing
}

const isField = (field: Field | undefined) =>
  field !== undefined && [field.offset, field.size, field.count].every(Number.isSafeInteger)

/** A map's declaration, by its name in C. */
export function mapOf(spec: ObjectSpec, name: string): MapSpec {
  const found = spec.maps.find((map) => map.name === name)
  if (found === undefined) throw new Error(`the BPF object has no map ${name}`)
  return found
}

/** Bytes from the start of a struct to a field. */
export function offsetOf(spec: ObjectSpec, struct: string, field: string): number {
  const found = spec.structs[struct]?.fields[field]
  if (found === undefined) throw new Error(`struct ${struct} of the BPF object has no field ${field}`)
  return found.offset
}

export function sizeOf(spec: ObjectSpec, struct: string): number {
  const found = spec.structs[struct]
  if (found === undefined) throw new Error(`the BPF object has no struct ${struct}`)
  return found.size
}

/** Names of an enum by value, for people: STOP_BAD_FP of stop_reason becomes bad_fp. */
export function namesOf(spec: ObjectSpec, enumName: string): readonly string[] {
  const names = spec.enums[enumName] ?? []
  return names.map((name) => name.slice(name.indexOf('_') + 1).toLowerCase())
}

/** Value of one constant, by its name in C. */
export function constantOf(spec: ObjectSpec, enumName: string, name: string): number {
  const value = spec.enums[enumName]?.indexOf(name) ?? -1
  if (value < 0) throw new Error(`enum ${enumName} of the BPF object has no ${name}`)
  return value
}
