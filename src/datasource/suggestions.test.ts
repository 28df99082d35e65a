import { of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { LabelsAnswer, LabelsRequest } from '#profile/wire/query-api'
import { QueryError } from './client.ts'
import { suggest } from './suggestions.ts'

const SCOPE = { type: 'cpu', from: 'now-1h', to: 'now' }
const SEEN = new Map([
  ['service_name', ['billing', 'checkout', 'cart"s']],
  ['k8s.pod.name', ['web-1']],
])

/** Suggestions at the `|` of a text; what the backend was asked; and the text after the first one was chosen. */
async function at(marked: string) {
  const asked: { readonly label?: string; readonly request: LabelsRequest }[] = []
  const answer = (names: readonly string[]) =>
    of<LabelsAnswer>({ kind: 'labels', names, series: names.map((_, i) => i + 1) })
  const client = {
    labels: (request: LabelsRequest) => {
      asked.push({ request })
      return answer([...SEEN.keys()])
    },
    labelValues: (label: string, request: LabelsRequest) => {
      asked.push({ label, request })
      return answer(SEEN.get(label) ?? [])
    },
  }
  const cursor = marked.indexOf('|')
  const text = marked.replace('|', '')
  const suggestions = await suggest({ text, cursor, ...SCOPE }, client)
  const [first] = suggestions
  const chosen = first === undefined ? text : text.slice(0, first.from) + first.insert + text.slice(first.to)
  return { labels: suggestions.map(({ label }) => label), asked, chosen }
}

describe('suggest', () => {
  it('offers the names that were seen, those that begin like the prefix first', async () => {
    const { labels, chosen } = await at('{na|}')
    expect(labels).toEqual(['service_name', 'k8s.pod.name'])
    expect(chosen).toBe('{service_name}')
    expect((await at('{k8s|}')).chosen).toBe('{k8s.pod.name}')
  })

  it('asks for values under all the other matchers', async () => {
    const { asked, labels } = await at('{host="a", service_name="|", comm=~"x.*"}')
    expect(asked).toEqual([{ label: 'service_name', request: { ...SCOPE, query: '{host="a",comm=~"x.*"}' } }])
    expect(labels).toEqual(['billing', 'checkout', 'cart"s'])
  })

  it('replaces a value up to its closing quote, escaped', async () => {
    expect((await at('{service_name="car|t"}')).chosen).toBe('{service_name="cart\\"s"}')
    expect((await at('{service_name="ch|')).chosen).toBe('{service_name="checkout"')
  })

  it('offers the four operators after a name, without asking anyone', async () => {
    const { labels, asked } = await at('{service_name |}')
    expect(labels).toEqual(['=', '!=', '=~', '!~'])
    expect(asked).toEqual([])
  })

  it('offers nothing where nothing can stand', async () => {
    expect((await at('{host="a"}|')).labels).toEqual([])
  })

  it('passes on a refusal', async () => {
    const client = {
      labels: () => throwError(() => new QueryError('no')),
      labelValues: () => throwError(() => new QueryError('no')),
    }
    await expect(suggest({ text: '{}', cursor: 1, ...SCOPE }, client)).rejects.toThrow('no')
  })
})
