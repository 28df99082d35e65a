// What could stand at the cursor? The grammar's own situation, and for names and values what the backend has seen: values
// under all the other matchers of the selector, so that every suggestion selects something.
import { firstValueFrom } from 'rxjs'
import { completionAt, completionText } from '#profile/labels/completion'
import { printSelector } from '#profile/labels/selector'
import type { LabelsRequest } from '#profile/wire/query-api'
import type { QueryClient } from './client.ts'

export interface Suggestion {
  readonly label: string
  /** Series behind it; absent where that means nothing. */
  readonly series?: number
  /** Replaces the selector's text from `from` to `to`. */
  readonly insert: string
  readonly from: number
  readonly to: number
}

export interface SuggestionScope {
  readonly type: string
  readonly from: string
  readonly to: string
}

/** A list longer than this is not read, it is filtered by typing on. */
const SUGGESTIONS_MAX = 100

const OPERATORS = ['=', '!=', '=~', '!~'] as const

/** Candidates for the cursor, in the order in which they are shown: what the prefix begins first, then what contains it.
 *  throws QueryError when the backend refuses */
export async function suggest(
  parts: { readonly text: string; readonly cursor: number } & SuggestionScope,
  client: Pick<QueryClient, 'labels' | 'labelValues'>,
): Promise<readonly Suggestion[]> {
  const { text, cursor, type, from, to } = parts
  const situation = completionAt(text, cursor)
  const span = { from: situation.from, to: situation.to }
  if (situation.kind === 'operator') return OPERATORS.map((label) => ({ label, insert: label, ...span }))
  if (situation.kind === 'none') return []
  const request: LabelsRequest = { type, from, to, query: printSelector({ matchers: situation.others }) }
  const isName = situation.kind === 'name'
  const answer = await firstValueFrom(
    isName ? client.labels(request) : client.labelValues(situation.label ?? '', request),
  )
  return ranked(answer.names, situation.prefix).map((label) => ({
    label,
    series: answer.series[answer.names.indexOf(label)] ?? 0,
    insert: completionText(situation, label),
    ...span,
  }))
}

function ranked(words: readonly string[], prefix: string): readonly string[] {
  const wanted = prefix.toLowerCase()
  const starts = words.filter((word) => word.toLowerCase().startsWith(wanted))
  const contains = words.filter((word) => !starts.includes(word) && word.toLowerCase().includes(wanted))
  return [...starts, ...contains].slice(0, SUGGESTIONS_MAX)
}
