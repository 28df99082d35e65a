// Does the object work on that kernel? Boots it in QEMU, without KVM and in some seconds, with one program as its whole
// user space: `node bpf-agent/bpf/kernels/boot.mjs VMLINUZ…`, by hand, after npm run build bpf.
// An image for arm64 is known by its head. What it needs on Debian, as root:
//   apt-get install qemu-system-x86 qemu-system-arm gcc-aarch64-linux-gnu libc6-dev-arm64-cross
//   apt-get download linux-image-6.1.0-50-cloud-amd64-unsigned && dpkg -x linux-image-*.deb kernel     (kernel/boot/)
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const objects = path.join(here, '../../../build/bpf')
const MACHINES = {
  x64: { compiler: 'gcc', qemu: ['qemu-system-x86_64'], console: 'ttyS0' },
  arm64: {
    compiler: 'aarch64-linux-gnu-gcc',
    qemu: ['qemu-system-aarch64', '-M', 'virt', '-cpu', 'cortex-a57'],
    console: 'ttyAMA0',
  },
}
const BOOT_SECONDS_MAX = 120

const kernels = process.argv.slice(2)
if (kernels.length === 0) {
  console.error(
    'usage: node bpf-agent/bpf/kernels/boot.mjs VMLINUZ…   (how to get one: the head of this file)',
  )
  process.exit(2)
}
const work = mkdtempSync(path.join(tmpdir(), 'flametrail-boot-'))
try {
  for (const kernel of kernels) if (!boot(kernel)) process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}

/** "x64", or "arm64": its images say so at byte 56. */
function archOf(kernel) {
  return readFileSync(kernel).toString('latin1', 56, 60) === 'ARM\x64' ? 'arm64' : 'x64'
}

function makeInitramfs(arch) {
  const file = path.join(work, `initramfs-${arch}`)
  const init = { name: 'init', mode: 0o100755, bytes: readFileSync(compileInit(arch)) }
  const object = { name: 'object.bin', mode: 0o100644, bytes: readFileSync(`${objects}/${arch}.bin`) }
  writeFileSync(file, archive([init, object]))
  return file
}

function compileInit(arch) {
  const manifest = readFileSync(`${objects}/${arch}.json`, 'utf8')
  const { maps, programs, loaderBytes, dataBytes } = JSON.parse(manifest)
  const binary = path.join(work, `init-${arch}`)
  const texts = (names) => names.map((name) => `"${name}"`).join(',')
  run(MACHINES[arch].compiler, [
    ...['-O2', '-static', '-no-pie', '-Wall', '-Wextra', '-Werror', '-o', binary, path.join(here, 'init.c')],
    ...[`-DMAP_NAMES=${texts(maps.map(({ name }) => name))}`, `-DPROGRAM_NAMES=${texts(programs)}`],
    `-DMAP_ENTRIES=${maps.map(({ entries }) => entries).join(',')}`,
    ...[`-DLOADER_BYTES=${loaderBytes}`, `-DDATA_BYTES=${dataBytes}`],
  ])
  return binary
}

/** out  whether the stacks came out right */
function boot(kernel) {
  const arch = archOf(kernel)
  const { qemu, console: terminal } = MACHINES[arch]
  console.log(`--- ${kernel}`)
  const output = run(
    qemu[0],
    [
      ...qemu.slice(1),
      ...['-kernel', kernel, '-initrd', makeInitramfs(arch), '-append', `console=${terminal} quiet panic=-1`],
      ...['-m', '512', '-smp', '2', '-nographic', '-no-reboot', '-nic', 'none'],
    ],
    BOOT_SECONDS_MAX * 1000,
  )
  const lines = output.split(/\r?\n/)
  const from = lines.findIndex((line) => line.includes('kernel '))
  console.log(lines.slice(Math.max(0, from)).join('\n').trim())
  return lines.some((line) => line.startsWith('verdict: good'))
}

function run(command, args, timeout) {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout, input: '' })
  if (error !== undefined && error.code !== 'ETIMEDOUT') throw error
  if (error === undefined && status !== 0) throw new Error(`${command} failed with ${status}:\n${stderr}`)
  return stdout
}

/** An archive of files as the kernel unpacks it: cpio, format "newc". */
function archive(files) {
  const entry = ({ name, mode, bytes }, i) => {
    const fields = [i + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0]
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`
    return Buffer.concat([pad(Buffer.from(head)), pad(bytes)])
  }
  const pad = (bytes) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
  const last = { name: 'TRAILER!!!', mode: 0, bytes: Buffer.alloc(0) }
  return Buffer.concat([...files, last].map(entry))
}
