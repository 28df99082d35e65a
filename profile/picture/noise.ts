// Is a difference of two shares more than chance? Counted in samples, because chance acts on samples, not on time.
import type { DiffSides } from './graph-model.ts'

/** `unknown`: too few samples to say, or their number is not known. */
export type Verdict = 'noise' | 'change' | 'unknown'

const SAMPLES_LEAST = 20 // below it the normal approximation is worth nothing
const Z_CHANGE = 2 // about 1 in 20 by chance alone

/** Two-share test: z = Δp ÷ √(p(1−p)(1/N₁ + 1/N₂)) with the pooled share p.
 *  Bursty services vary more than independent samples would: a change is a reason to look, not a proof. */
export function judge(baselineShare: number, comparisonShare: number, sides: DiffSides): Verdict {
  const { baselineSamples, comparisonSamples } = sides
  if (baselineSamples === undefined || comparisonSamples === undefined) return 'unknown'
  if (baselineSamples < SAMPLES_LEAST || comparisonSamples < SAMPLES_LEAST) return 'unknown'
  const pooled =
    (baselineShare * baselineSamples + comparisonShare * comparisonSamples) /
    (baselineSamples + comparisonSamples)
  const variance = pooled * (1 - pooled) * (1 / baselineSamples + 1 / comparisonSamples)
  if (!(variance > 0)) return 'noise'
  return Math.abs(comparisonShare - baselineShare) / Math.sqrt(variance) < Z_CHANGE ? 'noise' : 'change'
}
