// Which questions do the provisioned dashboards ask? Read as Grafana reads them: files in, panels with their queries and
// variables with theirs out.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { DataQuery } from '@grafana/data'

const folder = path.resolve(import.meta.dirname, '../provisioning/dashboards')

export interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly DataQuery[]
}
export interface Variable {
  readonly name: string
  readonly type: 'datasource' | 'query'
  readonly query: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly multi: boolean
  readonly includeAll: boolean
  /** What "All" stands for, put in as it is. */
  readonly allValue?: string
}
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
  readonly links: readonly { readonly url: string }[]
}

export const dashboards: readonly Dashboard[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Dashboard)

/** Names of the variables in a text: ${name}, ${name:format}. Grafana's own begin with two underscores. */
export const variablesIn = (text: string): readonly string[] =>
  [...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!).filter((name) => !name.startsWith('__'))

/** The values a reader has chosen, by variable. */
export type Chosen = ReadonlyMap<string, string | readonly string[]>

/** Replaces variables as Grafana's TemplateSrv does: an "All" with a value of its own goes in unformatted. */
export function replacer(dashboard: Dashboard, chosen: Chosen) {
  type Format = string | ((value: string | string[]) => string)
  return {
    replace(text = '', _?: unknown, format?: Format): string {
      return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => {
        const variable = dashboard.templating.list.find((one) => one.name === name)
        const value = chosen.get(name)
        if (variable === undefined || value === undefined) return whole
        if (value === '$__all' && variable.allValue !== undefined) return variable.allValue
        const values = typeof value === 'string' ? value : [...value]
        if (typeof format === 'function') return format(values)
        return typeof values === 'string' ? values : `{${values.join(',')}}`
      })
    },
  }
}
