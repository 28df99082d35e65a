// What may a dashboard variable ask for? Three questions in one line of text each:
//   profile_types()    label_names()    label_values(service_name)    label_values({service_name="api"}, host)
import { failure, type Result, success } from '#profile/model/result'

export type VariableQuestion =
  | { readonly kind: 'profileTypes' }
  | { readonly kind: 'labelNames'; readonly selector: string }
  | { readonly kind: 'labelValues'; readonly selector: string; readonly label: string }

/** Reads a variable's question.
 *  in  query  the text, or an object with it under `query`: Grafana gives either */
export function parseVariableQuery(query: unknown): Result<VariableQuestion> {
  const text = typeof query === 'string' ? query : textOf(query)
  const call = /^\s*(profile_types|label_names|label_values)\s*\(([\s\S]*)\)\s*$/.exec(text)
  const argument = call?.[2]?.trim() ?? ''
  if (call?.[1] === 'profile_types' && argument === '') return success({ kind: 'profileTypes' })
  if (call?.[1] === 'label_names') return success({ kind: 'labelNames', selector: argument || '{}' })
  if (call?.[1] === 'label_values') {
    // The label is what stands behind the last comma outside the braces.
    const split = /^(?:([\s\S]*\})\s*,)?\s*([^,{}]+?)\s*$/.exec(argument)
    const label = split?.[2]?.replace(/^"(.*)"$/, '$1')
    if (label !== undefined) return success({ kind: 'labelValues', selector: split?.[1] ?? '{}', label })
  }
  return failure(
    `"${text}" is no question for a variable. Write profile_types(), label_names(), label_values(service_name) or label_values({service_name="api"}, host).`,
  )
}

const textOf = (query: unknown): string => {
  const text = (query as { readonly query?: unknown } | null | undefined)?.query
  return typeof text === 'string' ? text : ''
}
