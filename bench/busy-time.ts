// How much CPU time did the machine spend, by its own books? /proc/stat is read ten times a second, so that the time
// between any two moments is known without a reading that meets them exactly.
import { readFileSync } from 'node:fs'

const USER_HZ = 100
const READ_MS = 100

interface Reading {
  readonly wallMs: number
  /** Since boot, all CPUs: nobody ran, or another machine did. */
  readonly notOursMs: number
  readonly stolenMs: number
}

export interface BusyTime {
  /** Between two moments (epoch ms) that lie within the readings.
   *  out  CPU seconds in which something ran, and those that another machine took.    throws outside */
  between(fromMs: number, toMs: number, cpus: number): { readonly busyS: number; readonly stolenS: number }
  close(): void
}

/** Begins to read. */
export function watchBusyTime(): BusyTime {
  const readings: Reading[] = []
  const read = () => readings.push(readingOf(readFileSync('/proc/stat', 'latin1'), Date.now()))
  read()
  const timer = setInterval(read, READ_MS)
  return {
    between(fromMs, toMs, cpus) {
      read()
      const [from, to] = [at(readings, fromMs), at(readings, toMs)]
      return {
        busyS: (cpus * (toMs - fromMs) - (to.notOursMs - from.notOursMs)) / 1000,
        stolenS: (to.stolenMs - from.stolenMs) / 1000,
      }
    },
    close: () => clearInterval(timer),
  }
}

/** Of the first line of /proc/stat: user nice system idle iowait irq softirq steal. */
export function readingOf(stat: string, wallMs: number): Reading {
  const words = /^cpu\s+(.*)$/m.exec(stat)?.[1]?.trim().split(/\s+/).map(Number) ?? []
  const [, , , idle = Number.NaN, iowait = 0, , , steal = 0] = words
  if (!Number.isFinite(idle + iowait + steal)) throw new Error(`/proc/stat begins with ${stat.slice(0, 80)}`)
  const ms = (ticks: number) => (ticks * 1000) / USER_HZ
  return { wallMs, notOursMs: ms(idle + iowait + steal), stolenMs: ms(steal) }
}

/** The reading at a moment, between its two neighbours on a straight line. */
export function at(readings: readonly Reading[], wallMs: number): Reading {
  const next = readings.findIndex((reading) => reading.wallMs >= wallMs)
  if (next < 0 || (next === 0 && readings[0]!.wallMs !== wallMs))
    throw new Error(`${wallMs} lies outside what was read of /proc/stat`)
  const after = readings[next]!
  const before = readings[Math.max(0, next - 1)]!
  const share = after.wallMs === before.wallMs ? 1 : (wallMs - before.wallMs) / (after.wallMs - before.wallMs)
  const mean = (one: number, other: number) => one + (other - one) * share
  return {
    wallMs,
    notOursMs: mean(before.notOursMs, after.notOursMs),
    stolenMs: mean(before.stolenMs, after.stolenMs),
  }
}
