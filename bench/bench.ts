// What is a bench? A workload in words, and a way to measure it that hands out figures as they come.
import type { Figure } from './figures.ts'

export interface BenchInput {
  readonly emit: (figure: Figure) => void
  /** For people who wait; goes to stderr. */
  readonly say: (line: string) => void
  /** Hours of the workload, where a bench stores some. */
  readonly hours: number
}

export interface Bench {
  readonly workload: string
  measure(input: BenchInput): Promise<void>
}
