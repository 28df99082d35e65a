// Which series does a resource belong to? Its attributes become labels: the few that tell services apart, under the names
// our queries use. Process ids and command lines never do: every process would be a series, and secrets would be stored.
import { type Labels, labelsOf } from '../model/labels.ts'
import { grouped, ProfileRefused, type Tally, type WireLimits } from './wire-limits.ts'
import type { AttributeValue } from './wire-texts.ts'

/** OTLP's name → ours; everything else keeps its name. */
export const LABEL_OF_ATTRIBUTE: ReadonlyMap<string, string> = new Map([
  ['service.name', 'service_name'],
  ['host.name', 'host'],
  ['process.executable.name', 'executable'],
  ['flametrail.comm', 'comm'],
])
const KEPT: ReadonlySet<string> = new Set([
  ...LABEL_OF_ATTRIBUTE.keys(),
  'deployment.environment.name',
  'container.id',
  'container.name',
  'systemd.unit',
  'cloud.region',
  'cloud.availability_zone',
])
/** These stay when a series has more labels than allowed. */
const WELL_KNOWN = ['service_name', 'host', 'executable', 'comm']
/** Where a service's name is looked for, after service.name. */
const SERVICE_NAMES = [
  'app.kubernetes.io/name',
  'k8s.deployment.name',
  'k8s.statefulset.name',
  'k8s.daemonset.name',
  'k8s.cronjob.name',
  'k8s.job.name',
  'com.docker.compose.service',
  'container.name',
  'systemd.unit',
  'process.executable.name',
  'job',
]

export type Attributes = ReadonlyMap<string, AttributeValue>

/** The labels of a resource.
 *  in   isOurs   sent by our own encoder: then every attribute is a label chosen on purpose
 *       service  `service.name` of a sample, which wins
 *  throws ProfileRefused when a label is longer than allowed; too many are cut and counted */
export function labelsOfResource(
  attributes: Attributes,
  options: {
    readonly isOurs: boolean
    readonly service: AttributeValue | undefined
    readonly limits: WireLimits
    readonly cut: Tally
  },
): Labels {
  const { isOurs, service, limits, cut } = options
  const pairs: [string, string][] = []
  for (const [name, value] of attributes) {
    const isCounter = name.startsWith('flametrail.') && name !== 'flametrail.comm'
    if (isCounter || !(isOurs || isKept(name))) continue
    const label = LABEL_OF_ATTRIBUTE.get(name) ?? name
    if (label.startsWith('__')) {
      cut.add('label_reserved')
      continue
    }
    checkLength('name', label.slice(0, 40), utf8Length(label), 'labelNameBytes', limits)
    checkLength(`value of ${label}`, value.text.slice(0, 40), value.bytes, 'labelValueBytes', limits)
    pairs.push([label, value.text])
  }
  if (service !== undefined)
    checkLength('value of service_name', service.text.slice(0, 40), service.bytes, 'labelValueBytes', limits)
  pairs.push(['service_name', serviceName(attributes, service?.text)])
  const labels = labelsOf(pairs)
  if (labels.length <= limits.labelNames) return labels
  cut.add('label_names', labels.length - limits.labelNames)
  const rank = (name: string) => (WELL_KNOWN.includes(name) ? WELL_KNOWN.indexOf(name) : WELL_KNOWN.length)
  return labelsOf(labels.toSorted((one, other) => rank(one[0]) - rank(other[0])).slice(0, limits.labelNames))
}

function isKept(name: string): boolean {
  return (
    KEPT.has(name) ||
    name.startsWith('service.') ||
    name.startsWith('vcs.') ||
    (name.startsWith('k8s.') && name.endsWith('.name'))
  )
}

function checkLength(
  what: string,
  shown: string,
  bytes: number,
  key: 'labelNameBytes' | 'labelValueBytes',
  limits: WireLimits,
): void {
  if (bytes <= limits[key]) return
  throw new ProfileRefused(
    key === 'labelNameBytes' ? 'label_name_bytes' : 'label_value_bytes',
    `the label ${what} "${shown}…" has ${grouped(bytes)} bytes; allowed are ${grouped(limits[key])} (limits.${key})`,
    key,
  )
}

const utf8Length = (text: string): number => new TextEncoder().encode(text).length

function serviceName(attributes: Attributes, service: string | undefined): string {
  if (service !== undefined && service !== '') return service
  const text = (name: string) => attributes.get(name)?.text ?? ''
  const sent = text('service.name')
  // SDKs without a configured name send unknown_service:PROGRAM: everything else says more.
  if (sent !== '' && !sent.startsWith('unknown_service')) return sent
  const found = SERVICE_NAMES.map(text).find((name) => name !== '')
  if (found !== undefined) return found
  const path = text('process.executable.path')
  if (path !== '') return path.slice(path.lastIndexOf('/') + 1) || path
  if (sent !== '') return sent
  return attributes.has('process.pid') ? '[kernel]' : 'unknown_service' // only kernel threads have no executable
}
