// `flametrail doctor`: can this host be sampled, can a backend live here, is one reached? Every line that is not ok tells
// what is lost and the exact cure. Exit code 0 only if nothing fails.

import { type Command, parseArguments } from './command.ts'
import type { Finding } from './doctor/check.ts'
import { judgeKernel, kernelFacts } from './doctor/kernel.ts'
import { judgeRights, rightsFacts } from './doctor/rights.ts'
import { judgeSampler, trySampling } from './doctor/sampler.ts'
import {
  judgeClock,
  judgeDisk,
  judgeMetricsPort,
  judgePort,
  judgeReach,
  reachFacts,
} from './doctor/server.ts'
import { judgeStacks } from './doctor/stacks.ts'
import { printable } from './output.ts'
import { DOCTOR_SETTINGS } from './settings.ts'

export const doctor: Command = {
  purpose: 'check this host and say the cure of everything that is missing',
  examples: [
    'flametrail doctor',
    'flametrail doctor --backend https://profiles.example.net:4040',
    'flametrail doctor --json',
  ],
  table: DOCTOR_SETTINGS,
  run: async (argv) => {
    const { values } = parseArguments(DOCTOR_SETTINGS, argv)
    const reach = await reachFacts(values.backend)
    const trial = await trySampling()
    const findings: readonly Finding[] = [
      ...judgeKernel(kernelFacts()),
      ...judgeRights(rightsFacts()),
      judgeSampler(trial),
      ...judgeStacks(trial),
      await judgePort(
        values.listen,
        reach.answer?.version !== undefined && new URL(values.backend).host === values.listen,
      ),
      await judgeMetricsPort(),
      judgeDisk(values['data-directory']),
      judgeClock(reach, Date.now()),
      judgeReach(reach),
    ]
    process.stdout.write(values.json ? `${JSON.stringify(findings)}\n` : printFindings(findings))
    return findings.some(({ state }) => state === 'fail') ? 1 : 0
  },
}

const MARKS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' }

/** One line a finding; under those that are not ok what is lost and the cure. */
export function printFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length))
  const lines = findings.flatMap(({ state, name, found, lost, cure }) => [
    `${MARKS[state]}  ${name.padEnd(width)}  ${printable(found)}`,
    ...(lost === undefined ? [] : [`      ${' '.repeat(width)}  lost: ${lost}`]),
    ...(cure === undefined ? [] : [`      ${' '.repeat(width)}  cure: ${cure}`]),
  ])
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  return `${lines.join('\n')}\n\n${count('ok')} ok, ${count('warn')} warnings, ${count('fail')} failures\n`
}
