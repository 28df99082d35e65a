// How do figures come into RESULTS.md? One section a bench, replaced as a whole by its last run.
import type { Judged } from './figures.ts'

export interface Section {
  readonly name: string
  readonly setup: {
    readonly commit: string
    readonly machine: string
    readonly load: readonly number[]
    readonly command: string
    readonly workload: string
  }
  readonly lines: readonly Judged['line'][]
}

/** The document with this bench's section in the place of its old one, or at the end. */
export function withSection(document: string, section: Section): string {
  const [head, ...old] = document.split(/^(?=## )/m)
  const fresh = sectionText(section)
  const title = `## ${section.name}\n`
  const at = old.findIndex((text) => text.startsWith(title))
  const texts = at === -1 ? [...old, fresh] : old.with(at, fresh)
  return `${[head!.trimEnd(), ...texts.map((text) => text.trimEnd())].join('\n\n')}\n`
}

function sectionText({ name, setup, lines }: Section): string {
  const rows = lines.map(
    ({ case: one, metric, value, unit, better, demand }) =>
      `| ${one} | ${metric} | ${value} ${unit} | ${demand === null ? '' : `${better === 'lower' ? '≤' : '≥'} ${demand}`} |`,
  )
  return [
    `## ${name}`,
    '',
    `\`${setup.command}\`, commit ${setup.commit}, load average at the start ${setup.load.join(', ')}`,
    `${setup.machine}. Workload: ${setup.workload}.`,
    '',
    '| case | metric | value | demanded |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}
