// How does C become something an agent can load without a compiler? clang → bpftool gen object → bpftool gen
// skeleton -L → build/bpf/ARCH.bin (a loader program and its data, which the kernel runs) and ARCH.json (the manifest:
// maps, programs, struct layouts and enum names, read from the object's BTF).
// Plain Node without dependencies: it runs before anything is bundled. Nothing it makes is committed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const TARGETS = { x64: 'x86', arm64: 'arm64' }
/** Structs and enums of abi.h that user space reads. */
const STRUCTS = ['record', 'event', 'counters', 'config', 'proc', 'vma', 'range', 'rule', 'python']
const ENUMS = [
  ...['record_kind', 'record_flag', 'stop_reason', 'drop_reason', 'event_kind', 'cgroup_verdict'],
  ...['step_kind', 'rule_kind', 'fp_kind', 'proc_flag', 'python_kind'],
]
const PACKAGES = { clang: 'clang', bpftool: 'bpftool', headers: 'libbpf-dev' }

/** Compiles sample.bpf.c for every architecture into `out`.
 *  out     the manifests, by architecture
 *  throws  with the Debian packages to install, or with the tool's own words */
export function buildBpf({ out = path.join(here, '../../build/bpf') } = {}) {
  const missing = missingTools()
  if (missing.length > 0)
    throw new Error(
      `building the BPF program needs ${missing.join(', ')}; on Debian, as root: apt-get install -y ${missing
        .map((tool) => PACKAGES[tool])
        .join(' ')}`,
    )
  mkdirSync(out, { recursive: true })
  const work = mkdtempSync(path.join(tmpdir(), 'flametrail-bpf-'))
  try {
    return Object.fromEntries(Object.keys(TARGETS).map((arch) => [arch, buildTarget(arch, work, out)]))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function missingTools() {
  const isThere = (tool) =>
    spawnSync(tool, ['--version'], { env: toolEnv(), stdio: 'ignore' }).error === undefined
  const missing = ['clang', 'bpftool'].filter((tool) => !isThere(tool))
  if (!existsSync('/usr/include/bpf/bpf_helpers.h') && !existsSync('/usr/local/include/bpf/bpf_helpers.h'))
    missing.push('headers')
  return missing
}

function buildTarget(arch, work, out) {
  const compiled = path.join(work, `${arch}.compiled.o`)
  const object = path.join(work, `${arch}.o`)
  // Paths relative to the folder and `.` as compilation directory: the object is the same bytes from any checkout.
  const flags = ['-O2', '-g', '-mcpu=v3', '-target', 'bpf', `-D__TARGET_ARCH_${TARGETS[arch]}`]
  const hygiene = ['-fdebug-compilation-dir=.', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror']
  run('clang', [...flags, ...hygiene, ...typeHeaders(), '-c', 'sample.bpf.c', '-o', compiled])
  run('bpftool', ['gen', 'object', object, compiled]) // also drops the debug sections
  const skeleton = run('bpftool', ['gen', 'skeleton', '-L', object, 'name', 'sampler'])
  const types = JSON.parse(run('bpftool', ['btf', 'dump', '-j', 'file', object])).types

  const { loader, data } = loaderOf(skeleton)
  const blob = Buffer.concat([loader, data])
  const abi = { structs: layouts(types), enums: enumNames(types) }
  const manifest = {
    arch,
    abi: sha256(JSON.stringify(abi)),
    sha256: sha256(blob),
    loaderBytes: loader.length,
    dataBytes: data.length,
    maps: namesIn(skeleton, 'maps').map((name) => ({ name, ...mapDefinition(types, name) })),
    programs: namesIn(skeleton, 'progs'),
    ...abi,
  }
  writeFileSync(path.join(out, `${arch}.bin`), blob)
  writeFileSync(path.join(out, `${arch}.json`), `${JSON.stringify(manifest, null, 1)}\n`)
  return manifest
}

/** Debian keeps asm/types.h in a folder per architecture, which clang does not search for the target bpf. */
function typeHeaders() {
  if (existsSync('/usr/include/asm/types.h')) return []
  const folder = readdirSync('/usr/include').find((name) => existsSync(`/usr/include/${name}/asm/types.h`))
  return folder === undefined ? [] : [`-I/usr/include/${folder}`]
}

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: here,
    env: toolEnv(),
    encoding: 'latin1',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error !== undefined) throw new Error(`${command}: ${error.message}`)
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed with ${status}:\n${stderr.slice(-4000)}`)
  return stdout
}

// bpftool lives in /usr/sbin, which is not on everyone's path.
const toolEnv = () => ({ ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` })

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** The two byte strings of a generated skeleton header. */
function loaderOf(skeleton) {
  const literal = (name) => {
    const found = new RegExp(
      `opts\\.${name}_sz = (\\d+);\\s+opts\\.${name} = \\(void \\*\\)"\\\\\\n([^"]*)";`,
    ).exec(skeleton)
    if (found === null)
      throw new Error(`bpftool's skeleton has no ${name}: is bpftool older than 5.13 or newer than 7.5?`)
    const bytes = Buffer.from(
      found[2]
        .replaceAll('\\\n', '')
        .replace(/\\x([0-9a-f]{2})|\\0/g, (_, hex) =>
          String.fromCharCode(hex ? Number.parseInt(hex, 16) : 0),
        ),
      'latin1',
    )
    if (bytes.length !== Number(found[1]))
      throw new Error(`${name}: ${bytes.length} bytes read, ${found[1]} announced`)
    return bytes
  }
  return { loader: literal('insns'), data: literal('data') }
}

/** Names in the order in which the loader's context lists them. */
function namesIn(skeleton, member) {
  const kind = member === 'maps' ? 'bpf_map_desc' : 'bpf_prog_desc'
  return [...skeleton.matchAll(new RegExp(`^\\t\\tstruct ${kind} (\\w+);$`, 'gm'))].map((match) => match[1])
}

const BTF_SIZES = { PTR: 8 }

function sizeOf(types, id) {
  const type = types[id - 1]
  if (type.kind === 'TYPEDEF' || type.kind === 'CONST') return sizeOf(types, type.type_id)
  if (type.kind === 'ARRAY') return type.nr_elems * sizeOf(types, type.type_id)
  return type.size ?? BTF_SIZES[type.kind]
}

/** Offsets and sizes in bytes; `count` for arrays. */
function layouts(types) {
  return Object.fromEntries(
    STRUCTS.map((name) => {
      const struct = types.find((type) => type.kind === 'STRUCT' && type.name === name)
      if (struct === undefined) throw new Error(`struct ${name} is not in the BTF: no map's value holds it`)
      const fields = struct.members.map((member) => {
        const type = types[member.type_id - 1]
        const count = type.kind === 'ARRAY' ? type.nr_elems : 1
        return [member.name, { offset: member.bits_offset / 8, size: sizeOf(types, member.type_id), count }]
      })
      return [name, { size: struct.size, fields: Object.fromEntries(fields) }]
    }),
  )
}

/** Names in the order of their values, which start at 0 without a gap. */
function enumNames(types) {
  return Object.fromEntries(
    ENUMS.map((name) => {
      const type = types.find((one) => one.kind === 'ENUM' && one.name === name)
      if (type === undefined) throw new Error(`enum ${name} is not in the BTF: no map's value holds it`)
      type.values.forEach((value, i) => {
        if (value.val !== i) throw new Error(`enum ${name}: ${value.name} is ${value.val}, expected ${i}`)
      })
      return [name, type.values.map((value) => value.name)]
    }),
  )
}

/** What a map's declaration says: an `__uint` is a pointer to an array of that length, a `__type` a pointer to it, an
 *  `__array` an array of pointers to another declaration, here `inner`. */
function mapDefinition(types, name) {
  const variable = types.find((type) => type.kind === 'VAR' && type.name === name)
  return declarationOf(types, types[variable.type_id - 1])
}

function declarationOf(types, { members }) {
  const typeOf = (member) => types[members.find((one) => one.name === member)?.type_id - 1]
  const pointee = (member) => typeOf(member)?.type_id
  const number = (member) => types[pointee(member) - 1]?.nr_elems ?? 0
  const size = (member) =>
    pointee(member) === undefined ? number(`${member}_size`) : sizeOf(types, pointee(member))
  const values = typeOf('values')
  const inner = values && declarationOf(types, types[types[values.type_id - 1].type_id - 1])
  return {
    type: number('type'),
    entries: number('max_entries'),
    flags: number('map_flags'),
    keyBytes: size('key'),
    valueBytes: inner === undefined ? size('value') : 4, // the descriptor of an inner map
    ...(inner && { inner }),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    for (const [arch, manifest] of Object.entries(buildBpf({ out: process.argv[2] })))
      console.log(`${arch}: ${manifest.loaderBytes + manifest.dataBytes} bytes, sha256 ${manifest.sha256}`)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
