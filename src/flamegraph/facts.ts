// What must a reader know before believing the picture? Samples, range, and what is missing, as text.

import { type Format, grouped } from '#profile/picture/format'
import { type Comparing, isDiffTree } from '#profile/picture/graph-model'
import type { CallTree, DiffTree } from '#profile/tree/call-tree'

/** What is known of the samples behind one tree, or one side of a diff. */
export interface ProfileFacts {
  readonly samples: number
  readonly fromMs: number
  readonly toMs: number
  /** Share of samples whose stack ends early, 0 to 1. */
  readonly endEarly: number
  /** Share of frames without a name, weighted with their samples, 0 to 1. */
  readonly unnamed: number
  /** Share of the samples that the agents of these hosts lost, 0 to 1; absent: nobody gave account. */
  readonly lost?: number
  readonly nodes: { readonly sent: number; readonly folded: number }
  /** The profile that stands in where no agent can run. */
  readonly sampleProfile: boolean
}

/** Prints a moment (epoch ms) by a pattern of moment.js, in the reader's time zone. */
export type PrintTime = (ms: number, pattern: string) => string

export interface HeaderInput {
  readonly tree: CallTree | DiffTree
  readonly format: Format
  /** Of the tree, or of the comparison. */
  readonly facts?: ProfileFacts | undefined
  readonly baselineFacts?: ProfileFacts | undefined
  readonly comparing: Comparing
  readonly printTime: PrintTime
}
export interface HeaderPart {
  readonly text: string
  readonly isWarning?: boolean
}

/** The header, part by part. Without facts (a frame of another data source) only the total stands in it. */
export function headerParts(input: HeaderInput): readonly HeaderPart[] {
  const { tree, format, facts, baselineFacts, printTime } = input
  const parts: HeaderPart[] = []
  if ([facts, baselineFacts].some((side) => side?.sampleProfile === true))
    parts.push({ text: 'sample profile, not this machine', isWarning: true })
  if (!isDiffTree(tree)) {
    parts.push(...sideParts(facts, format(tree.total[0] ?? 0), printTime))
    return [...parts, ...limits(facts, '')]
  }
  const side = (name: string, of: ProfileFacts | undefined, total: number) =>
    parts.push({
      text: `${name} ${sideParts(of, format(total), printTime)
        .map((part) => part.text)
        .join(', ')}`,
    })
  side('baseline', baselineFacts, tree.baselineTotal[0] ?? 0)
  side('comparison', facts, tree.comparisonTotal[0] ?? 0)
  parts.push({
    text:
      input.comparing === 'share' ? "compared by share of each side's total" : 'compared by absolute values',
  })
  const early = [...limits(baselineFacts, 'baseline: '), ...limits(facts, 'comparison: ')]
  return [...parts, ...early]
}

function sideParts(facts: ProfileFacts | undefined, total: string, printTime: PrintTime): HeaderPart[] {
  if (facts === undefined) return [{ text: total }]
  const samples = Math.round(facts.samples)
  return [
    { text: `${grouped(samples)} ${samples === 1 ? 'sample' : 'samples'}` },
    { text: total },
    { text: rangeText(facts.fromMs, facts.toMs, printTime) },
  ]
}

/** "2026-11-24 10:00:00 to 10:15:00": the day once, where it is the same. */
export function rangeText(fromMs: number, toMs: number, printTime: PrintTime): string {
  const day = (ms: number) => printTime(ms, 'YYYY-MM-DD')
  const clock = (ms: number) => printTime(ms, 'HH:mm:ss')
  const end = day(fromMs) === day(toMs) ? clock(toMs) : `${day(toMs)} ${clock(toMs)}`
  return `${day(fromMs)} ${clock(fromMs)} to ${end}`
}

/** What the picture does not show; silent where there is nothing to say. */
function limits(facts: ProfileFacts | undefined, whose: string): HeaderPart[] {
  if (facts === undefined) return []
  const parts: HeaderPart[] = []
  const share = (of: number) => (of < 0.005 ? '<1 %' : `${Math.round(of * 100)} %`)
  // A tick now and then is late; at a percent the widths begin to lie.
  if (facts.lost !== undefined && facts.lost >= 0.01)
    parts.push({ text: `${whose}${share(facts.lost)} of samples were lost`, isWarning: true })
  if (facts.endEarly > 0)
    parts.push({
      text: `${whose}${share(facts.endEarly)} of stacks end early`,
      isWarning: true,
    })
  // Hardly a machine without a stripped library: below a percent it is not worth a word.
  if (facts.unnamed >= 0.01)
    parts.push({
      text: `${whose}${share(facts.unnamed)} of frames have no name: no symbols`,
      isWarning: true,
    })
  const { folded } = facts.nodes
  if (folded > 0) parts.push({ text: `${whose}${grouped(folded)} smallest nodes folded` })
  return parts
}
