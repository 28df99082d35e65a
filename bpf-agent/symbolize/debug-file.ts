// Where do the symbols of a stripped binary lie? In the file that its packager split off: by build ID where distributions
// put it, else by the name in `.gnu_debuglink`, near the binary or below /usr/lib/debug. Looked for in the file system of
// the process, then in ours.
// A name comes from a stranger: it must be a bare file name, the file a regular one, and what is in it must be of this
// very binary: same build ID, or, for binaries without one, the CRC-32 that the link states.
import { closeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { ByteSource } from '../elf/byte-source.ts'
import { readElf } from '../elf/elf-file.ts'
import { orUndefined } from '../host/proc.ts'
import type { DebugFileWanted } from './native.ts'
import { fileSource, ifReadable, type OpenFile, openRegular } from './open-file.ts'

const DEBUG_FOLDER = '/usr/lib/debug'
const NAME_CHARACTERS_MAX = 255
const CHECKED_BYTES_MAX = 256 * 1024 * 1024 // 0.1 s for a CRC-32; larger files have a build ID
const CHUNK_BYTES = 1024 * 1024
const HEX = /^[0-9a-f]{8,128}$/

/** Opens the debug file of a binary.
 *  in   at  a process that maps the binary, and the binary's path there
 *  out  undefined when there is none, or none that belongs to the binary
 *  cost some 10 failing opens of 5 µs; a CRC-32 of the file only where the binary has no build ID */
export function openDebugFile(
  at: { readonly tgid: number; readonly path: string },
  wanted: DebugFileWanted,
): OpenFile | undefined {
  for (const path of candidates(at, wanted)) {
    const open = openRegular(path)
    if (open === undefined) continue
    if (ifReadable(() => belongs(fileSource(open), wanted))) return open
    orUndefined(() => closeSync(open.fd))
  }
  return undefined
}

function candidates(
  { tgid, path }: { readonly tgid: number; readonly path: string },
  wanted: DebugFileWanted,
): string[] {
  const { buildId, debugLink } = wanted
  const root = `/proc/${tgid}/root`
  const paths: string[] = []
  if (HEX.test(buildId)) {
    const byBuildId = `${DEBUG_FOLDER}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`
    paths.push(root + byBuildId, byBuildId)
  }
  if (isBareName(debugLink) && path.startsWith('/')) {
    const folder = path.slice(0, path.lastIndexOf('/'))
    for (const place of [folder, `${folder}/.debug`, DEBUG_FOLDER + folder])
      paths.push(`${root}${place}/${debugLink}`)
    paths.push(`${DEBUG_FOLDER}${folder}/${debugLink}`)
  }
  return paths
}

const isBareName = (name: string) =>
  name.length > 0 &&
  name.length <= NAME_CHARACTERS_MAX &&
  !name.includes('/') &&
  name !== '.' &&
  name !== '..'

function belongs(source: ByteSource, { buildId, debugLinkCrc }: DebugFileWanted): boolean {
  const elf = readElf(source)
  if (!elf.ok) return false
  if (buildId !== '' || elf.value.buildId !== '') return elf.value.buildId === buildId
  return source.size <= CHECKED_BYTES_MAX && crcOf(source) === debugLinkCrc
}

function crcOf(source: ByteSource): number {
  let crc = 0
  for (let at = 0; at < source.size; at += CHUNK_BYTES)
    crc = crc32(source.read(at, Math.min(CHUNK_BYTES, source.size - at)), crc)
  return crc
}
