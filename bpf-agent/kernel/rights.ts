// Who holds which rights? The agent keeps its capabilities for life; a child that reads strangers' files must have none.
// Capabilities belong to threads: a drop counts for the whole process only across an exec.
import { readFileSync } from 'node:fs'
import { become, dropCapabilities, limitResource, prctl } from './syscalls.ts'

const PR_SET_PDEATHSIG = 1
const PR_SET_NO_NEW_PRIVS = 38
const PR_CAP_AMBIENT = 47
const PR_CAP_AMBIENT_CLEAR_ALL = 4
const SIGKILL = 9
let isLent = false

/** From now on, whoever this thread starts gets no capability from the ambient set, and can gain none.
 *  throws  SyscallError */
export function lendNoRights(): void {
  if (isLent) return
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 'no_new_privs')
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 'clearing ambient capabilities')
  isLent = true
}

/** Capabilities that this process may use, as the kernel prints them; "0000000000000000": none. */
export function ownCapabilities(): string {
  return /^CapPrm:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? ''
}

/** Whether no thread of this process has a capability. If some have, this program begins anew without them.
 *  in   kept  descriptors that it keeps then
 *  out  false: it has begun anew already, and has some all the same */
export function hasNoCapabilities(kept: readonly number[]): boolean {
  if (/^0+$/.test(ownCapabilities())) return true
  if (process.argv.includes(AGAIN)) return false
  // A user who is root gets all of them back with each exec, unless no_new_privs holds it to what the thread has left.
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 'no_new_privs')
  dropCapabilities()
  become(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1), AGAIN], kept)
}

const AGAIN = '--without-capabilities'
const RLIMIT_CPU = 0
const RLIMIT_FSIZE = 1
const RLIMIT_DATA = 2
const RLIMIT_CORE = 4

/** Bounds this process, and ends it with its parent.  throws  SyscallError */
export function limitSelf(bounds: { readonly cpuSeconds: number; readonly dataBytes: number }): void {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 'the signal of the parent’s death')
  limitResource(RLIMIT_CPU, bounds.cpuSeconds, 'limit of CPU time')
  limitResource(RLIMIT_DATA, bounds.dataBytes, 'limit of memory')
  limitResource(RLIMIT_FSIZE, 0, 'limit of file sizes')
  limitResource(RLIMIT_CORE, 0, 'limit of core files')
}
