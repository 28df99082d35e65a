// What is this machine called? Its own name, not that of a container around the agent.
import { hostname } from 'node:os'
import { readLink, readText } from './proc.ts'
import { cleanText } from './text.ts'

/** The host's name. Inside a container with the host's PIDs, process 1 lives in the host's namespaces and its
 *  /etc/hostname tells it. */
export function hostName(): string {
  const isHosts = readLink('/proc/1/ns/uts') === readLink('/proc/self/ns/uts')
  const name = (!isHosts && readText('/proc/1/root/etc/hostname', 256)?.trim()) || hostname()
  return cleanText(name, 253) // the longest name of DNS
}
