// What makes the sampler tick? One clock event per online CPU, with the BPF program linked to it. CPUs come and go: the
// list is compared when the agent asks, and the seconds during which each CPU ticked are kept for the accounting.
import { BPF, bpf, closeFd, ioctl, perfEventOpen } from './syscalls.ts'

const PERF_TYPE_SOFTWARE = 1
const PERF_COUNT_SW_CPU_CLOCK = 0
const PERF_ATTRIBUTE_BYTES = 128
const PERF_EVENT_IOC_ENABLE = 0x2400
const ATTACH_PERF_EVENT = 41 // BPF_PERF_EVENT of enum bpf_attach_type
const FLAG_DISABLED = 1 // until the program is linked, or the first ticks would find nobody

export interface Ticker {
  /** Attaches to CPUs that came, lets go of those that went.
   *  throws  SyscallError when no CPU can be sampled at all */
  follow(online: readonly number[]): void
  readonly cpus: number
  /** Σ over CPUs of the time it ticked, at a moment of CLOCK_MONOTONIC. */
  cpuMs(monotonicMs: number): number
  close(): void
}

/** How a CPU is made to tick; the real one is `attachTick`. */
export type Attach = (cpu: number) => () => void

/** Keeps one event per online CPU.
 *  in  attach  opens one CPU and gives what closes it;  nowMs  CLOCK_MONOTONIC */
export function createTicker(attach: Attach, nowMs: () => number): Ticker {
  const ticking = new Map<number, { readonly sinceMs: number; readonly close: () => void }>()
  let endedMs = 0

  function end(cpu: number): void {
    const event = ticking.get(cpu)
    if (event === undefined) return
    event.close()
    endedMs += nowMs() - event.sinceMs
    ticking.delete(cpu)
  }

  return {
    follow(online) {
      for (const cpu of [...ticking.keys()]) if (!online.includes(cpu)) end(cpu)
      let failed: unknown
      for (const cpu of online) {
        if (ticking.has(cpu)) continue
        try {
          const close = attach(cpu)
          ticking.set(cpu, { sinceMs: nowMs(), close })
        } catch (error) {
          failed = error // it may have gone offline since the list was read; the next look will tell
        }
      }
      if (ticking.size === 0 && failed !== undefined) throw failed
    },
    get cpus() {
      return ticking.size
    },
    cpuMs(monotonicMs) {
      let total = endedMs
      for (const { sinceMs } of ticking.values()) total += Math.max(0, monotonicMs - sinceMs)
      return total
    },
    close() {
      for (const cpu of [...ticking.keys()]) end(cpu)
    },
  }
}

/** Opens a software cpu-clock on one CPU and links the program to it. */
export function attachTick(programFd: number, frequencyHz: number): Attach {
  return (cpu) => {
    const attributes = Buffer.alloc(PERF_ATTRIBUTE_BYTES)
    attributes.writeUInt32LE(PERF_TYPE_SOFTWARE, 0)
    attributes.writeUInt32LE(PERF_ATTRIBUTE_BYTES, 4)
    attributes.writeBigUInt64LE(BigInt(PERF_COUNT_SW_CPU_CLOCK), 8)
    attributes.writeBigUInt64LE(BigInt(periodNs(frequencyHz)), 16)
    attributes.writeBigUInt64LE(BigInt(FLAG_DISABLED), 40)
    const eventFd = perfEventOpen(attributes, cpu)
    let linkFd = -1
    try {
      const link = Buffer.alloc(64)
      link.writeUInt32LE(programFd, 0)
      link.writeUInt32LE(eventFd, 4)
      link.writeUInt32LE(ATTACH_PERF_EVENT, 8)
      linkFd = bpf(BPF.LINK_CREATE, link, 'linking the sampler to a clock event')
      ioctl(eventFd, PERF_EVENT_IOC_ENABLE, 0, 'starting a clock event')
    } catch (error) {
      if (linkFd >= 0) closeFd(linkFd)
      closeFd(eventFd)
      throw error
    }
    return () => {
      closeFd(linkFd)
      closeFd(eventFd)
    }
  }
}

/** Time between two ticks, in whole nanoseconds, as the kernel takes it. */
export const periodNs = (frequencyHz: number): number => Math.round(1e9 / frequencyHz)
