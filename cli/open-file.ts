// Which profiles are in the file of this name? The bytes from the disk, bounded; what they hold is profile-file's to say.
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Labels } from '#profile/model/labels'
import { limitsOf } from '../backend/limits.ts'
import { reason } from './client.ts'
import { Refusal } from './command.ts'
import { type ProfileFile, readProfileFile } from './profile-file.ts'

/** Reads a file; what is odd in it is said on stderr.
 *  throws Refusal, with the name of the file: it cannot be read, is too large, or holds no profile we know */
export function openProfileFile(
  name: string,
  options: { readonly labels: Labels; readonly frequencyHz: number },
): ProfileFile {
  const limits = limitsOf()
  const { bytes, timeMs } = readBytes(name, limits.exportBytes)
  const serviceName =
    path.basename(name).replace(/(\.pb|\.pprof|\.folded|\.otlp|\.json)?(\.gz)?$/, '') || 'import'
  const file = readProfileFile(bytes, { ...options, limits, timeMs, serviceName })
  if (!file.ok) throw new Refusal(`${name}: ${file.error.message}`)
  for (const warning of file.value.warnings) process.stderr.write(`${name}: ${warning}\n`)
  return file.value
}

function readBytes(name: string, bytesMax: number): { readonly bytes: Uint8Array; readonly timeMs: number } {
  try {
    const { size, mtimeMs } = statSync(name)
    if (size > bytesMax)
      throw new Refusal(`${name} has ${size} bytes; at most ${bytesMax} are read, split it`)
    return { bytes: new Uint8Array(readFileSync(name)), timeMs: Math.floor(mtimeMs) }
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(`${name} cannot be read (${reason(error)})`)
  }
}
