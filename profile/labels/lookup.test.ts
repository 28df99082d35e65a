import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { labelsOf } from '../model/labels.ts'
import { arbLabelName, arbLabels } from '../testing/arbitrary.ts'
import { aliasOf, findLabel } from './lookup.ts'

const find = (name: string, ...stored: readonly string[]) =>
  findLabel(labelsOf(stored.map((each) => [each, `value of ${each}`])), name).replace('value of ', '')

describe('findLabel', () => {
  it('finds by the exact name, then by the alias', () => {
    expect(find('service_name', 'service.name', 'service_name')).toBe('service_name')
    expect(find('service_name', 'service.name')).toBe('service.name')
    expect(find('service.name', 'service_name')).toBe('service_name')
    expect(find('host', 'host.name', 'hos')).toBe('')
  })

  it('finds relatives of one family, in both directions, last of all', () => {
    expect(find('k8s_pod_name', 'pod')).toBe('pod')
    expect(find('pod', 'k8s.pod.name')).toBe('k8s.pod.name')
    expect(find('k8s.namespace.name', 'namespace')).toBe('namespace')
    expect(find('pod', 'k8s.pod.name', 'pod')).toBe('pod')
    expect(find('node', 'k8s.pod.name')).toBe('')
  })

  it('takes the first by name when several have one alias', () => {
    expect(find('a_b', 'a.b', 'a-b')).toBe('a-b')
  })

  it('never changes a letter or digit', () => {
    expect(find('a_c', 'abc')).toBe('')
    expect(find('abc', 'a_c')).toBe('')
    expect(find('', 'a')).toBe('')
  })

  it('equals exact, then equal aliases, where no family is asked', () => {
    const name = arbLabelName.filter((each) => !/^(k8s.pod.name|pod)$/.test(each))
    fc.assert(
      fc.property(arbLabels, name, (labels, wanted) => {
        const exact = labels.find(([stored]) => stored === wanted)
        const alias = labels.find(([stored]) => aliasOf(stored) === aliasOf(wanted))
        expect(findLabel(labels, wanted)).toBe((exact ?? alias)?.[1] ?? '')
      }),
    )
  })
})
