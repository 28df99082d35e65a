// `flametrail diff BASELINE COMPARISON`: what changed between two files, two selectors, or one of each, as a Markdown table.
// Exit codes: 0 compared, and nothing grew beyond --fail-on (improvements and noise never do); 1 something did; 2 wrong
// usage; 3 there is nothing to compare: a file cannot be read, a backend does not answer, the types differ.
import { existsSync } from 'node:fs'
import { type ProfileType, parseProfileType, printProfileType } from '#profile/model/profile-type'
import type { CallTree } from '#profile/tree/call-tree'
import { diffTrees } from '#profile/tree/diff'
import { mergeTrees } from '#profile/tree/merge'
import type { TreeAnswer } from '#profile/wire/query-api'
import { treeFromJson } from '#profile/wire/tree-answer'
import { changesTable, points } from './changes-table.ts'
import { type Client, createClient } from './client.ts'
import { type Command, parseArguments, Refusal, UsageError } from './command.ts'
import { diffWriter, type WriteDiff } from './diff-picture.ts'
import { exceeded, parseThreshold, type Threshold, withoutFunction } from './fail-on.ts'
import { functionChanges } from './function-changes.ts'
import { openProfileFile } from './open-file.ts'
import { printable } from './output.ts'
import { type SampledProfile, sampledProfile } from './sampled-profile.ts'
import { DIFF_SETTINGS } from './settings.ts'

type Values = ReturnType<typeof parseArguments<typeof DIFF_SETTINGS>>['values']
type Range = { readonly from: string; readonly to: string }
const EXCEEDED = 1
const NOTHING_TO_COMPARE = 3

export const diff: Command = {
  purpose: 'compare two files or selectors; exit code 1 beyond --fail-on, 3 with nothing to compare',
  examples: [
    'flametrail diff old.pb.gz new.pb.gz --fail-on +5pt -o changes.html',
    'flametrail diff old.folded new.folded --fail-on json.Marshal:+2pt',
    `flametrail diff '{version="1.4"}' '{version="1.5"}' --from now-1h`,
  ],
  table: DIFF_SETTINGS,
  run: async (argv) => {
    const { values, rest } = parseArguments(DIFF_SETTINGS, argv)
    if (rest.length !== 2)
      throw new UsageError(
        `diff takes a baseline and a comparison, got ${rest.length}; for example flametrail diff old.pb.gz new.pb.gz`,
      )
    const thresholds = values['fail-on'].map(threshold)
    const type = parseProfileType(values.type)
    if (type === undefined)
      throw new UsageError(`--type ${values.type} is no profile type; write cpu or an id of five parts`)
    try {
      const draw = values.output === '' ? undefined : diffWriter(values.output)
      return await compare({ names: [rest[0]!, rest[1]!], values, type, thresholds, draw })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      process.stderr.write(`flametrail: ${error.message}\n`)
      return NOTHING_TO_COMPARE
    }
  },
}

function threshold(text: string): Threshold {
  const parsed = parseThreshold(text)
  if (parsed.ok) return parsed.value
  throw new UsageError(`--fail-on ${parsed.error.message}`)
}

async function compare({
  names,
  values,
  type,
  thresholds,
  draw,
}: {
  readonly names: readonly [baseline: string, comparison: string]
  readonly values: Values
  readonly type: ProfileType
  readonly thresholds: readonly Threshold[]
  readonly draw: WriteDiff | undefined
}): Promise<number> {
  const client = () => createClient({ backend: values.backend, tokenFile: values['token-file'] })
  const side = (name: string, range: Range) =>
    isSelector(name) ? askSide(client(), { name, values, range }) : readSide(name, { values, type })
  const range = { from: values.from, to: values.to }
  const baseline = await side(names[0], {
    from: values['baseline-from'] || range.from,
    to: values['baseline-to'] || range.to,
  })
  const comparison = await side(names[1], range)
  refuseWhatDiffers(baseline, comparison)
  const tree = diffTrees({ baseline: baseline.tree, comparison: comparison.tree })
  const samples = { baseline: baseline.samples, comparison: comparison.samples }
  const rows = functionChanges(tree, samples)
  const shown = rows.filter(({ self, total }) => self.change !== 0 || total.change !== 0)
  draw?.({ tree, names, unit: baseline.type.sampleUnit, samples })
  process.stdout.write(changesTable(shown.slice(0, values.limit), samples))
  process.stdout.write(`\n${footer(names, { samples, shown: shown.length, limit: values.limit })}\n`)
  for (const { text } of withoutFunction(thresholds, rows))
    process.stderr.write(`--fail-on ${text}: no function of this name is on either side\n`)
  const failures = exceeded(thresholds, rows)
  for (const {
    threshold: { text, name },
    row,
  } of failures) {
    const grown = name === undefined ? row.self : row.total
    process.stderr.write(
      `${printable(row.name)}: ${name === undefined ? 'self' : 'total'} ${points(grown)}, more than --fail-on ${text} allows\n`,
    )
  }
  return failures.length > 0 ? EXCEEDED : 0
}

/** A file of that name goes first. */
const isSelector = (name: string) => name.includes('{') && !existsSync(name)

async function askSide(
  client: Client,
  { name, values, range }: { readonly name: string; readonly values: Values; readonly range: Range },
): Promise<SampledProfile> {
  const answer = await client.ask<TreeAnswer>('flame', {
    type: values.type,
    query: name,
    ...range,
    maxNodes: 1_048_576,
  })
  const read = treeFromJson(answer)
  if (!read.ok) throw new Refusal(read.error.message)
  const { tree, meta } = read.value
  const type = parseProfileType(meta.type)
  if (type === undefined || tree.total[0] === 0)
    throw new Refusal(
      `${name}: nothing matches from ${range.from} to ${range.to}; \`flametrail query labels\` shows what is there`,
    )
  return { type, tree, samples: meta.unit === 'nanoseconds' ? meta.samples : undefined }
}

/** The profile of the type asked for, or the only one that the file holds. */
function readSide(
  name: string,
  { values, type }: { readonly values: Values; readonly type: ProfileType },
): SampledProfile {
  const { profiles } = openProfileFile(name, { labels: [], frequencyHz: values.frequency })
  const all = profiles.map(sampledProfile).filter(({ tree }) => tree.total[0]! > 0)
  if (all.length === 0) throw new Refusal(`${name} holds no sample`)
  const kinds = [...new Set(all.map((one) => printProfileType(one.type)))]
  const kind = kinds.length === 1 ? kinds[0]! : printProfileType(type)
  const found = all.filter((one) => printProfileType(one.type) === kind)
  if (found.length === 0)
    throw new Refusal(`${name} holds no ${kind}; name one of ${kinds.join(', ')} with --type`)
  return {
    type: found[0]!.type,
    tree: found.length === 1 ? found[0]!.tree : mergeTrees(found.map(({ tree }): CallTree => tree)),
    samples: found.reduce<number | undefined>(
      (sum, { samples }) => (sum === undefined || samples === undefined ? undefined : sum + samples),
      0,
    ),
  }
}

function refuseWhatDiffers(baseline: SampledProfile, comparison: SampledProfile): void {
  const [before, after] = [printProfileType(baseline.type), printProfileType(comparison.type)]
  if (before === after) return
  throw new Refusal(
    `the baseline is ${before} and the comparison ${after}; only values of one profile type can be compared`,
  )
}

function footer(
  names: readonly [string, string],
  {
    samples,
    shown,
    limit,
  }: {
    readonly samples: { readonly baseline: number | undefined; readonly comparison: number | undefined }
    readonly shown: number
    readonly limit: number
  },
): string {
  const count = (one: number | undefined) => (one === undefined ? 'an unknown number of' : String(one))
  const rest = shown > limit ? ` ${shown - limit} more functions changed less (--limit).` : ''
  return (
    `Shares of each side's whole: ${printable(names[0])} with ${count(samples.baseline)} samples, ` +
    `${printable(names[1])} with ${count(samples.comparison)}; noise: below three standard deviations.${rest}`
  )
}
