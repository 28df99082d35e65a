// Which unit is this number in? Brands for the units that are ever mixed up, and their printing.
import type { Brand } from './ids.ts'

/** Milliseconds; as a moment: since 1970-01-01 UTC, fractions allowed, exact to 2^53. */
export type Milliseconds = Brand<number, 'Milliseconds'>
/** Nanoseconds of a duration. A float: exact to 2^53 ns, 104 days. */
export type Nanoseconds = Brand<number, 'Nanoseconds'>
export type Bytes = Brand<number, 'Bytes'>
/** A position or width as a share of the whole, 0 to 1. */
export type UnitInterval = Brand<number, 'UnitInterval'>

export const ms = (value: number): Milliseconds => value as Milliseconds
export const ns = (value: number): Nanoseconds => value as Nanoseconds

/** Half-open range of moments, [fromMs, toMs). */
export interface TimeRange {
  readonly fromMs: Milliseconds
  readonly toMs: Milliseconds
}
