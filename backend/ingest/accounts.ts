// What of an agent's report is kept for good? Sums without reasons: those stand in /status and in the agent's own metrics.
import type { AgentReport } from '#profile/model/accounting'
import type { Account } from '../store/store.ts'

const ACCOUNTS_MAX = 8 // a request comes from one agent; a relay may join a few
const WORD_MAX = 256
/** Left out because somebody asked for it. */
const ON_PURPOSE: ReadonlySet<string> = new Set(['filtered', 'relabel_drop'])

/** in   reports  of strangers: what is no count is left out, words are cut */
export function accountsOf(reports: readonly AgentReport[]): readonly Account[] {
  return reports
    .slice(0, ACCOUNTS_MAX)
    .map((report) => {
      const sum = (isWanted: (reason: string) => boolean) =>
        [...report.dropped].reduce((all, [reason, count]) => (isWanted(reason) ? all + count : all), 0)
      return {
        host: report.host.slice(0, WORD_MAX),
        agentId: report.agentId.slice(0, WORD_MAX),
        ...{ startedMs: report.startedMs, reportedMs: report.reportedMs },
        ...{ expected: report.expected, idle: report.idle, received: report.received },
        filtered: sum((reason) => ON_PURPOSE.has(reason)),
        lost: sum((reason) => !ON_PURPOSE.has(reason)),
      }
    })
    .filter(({ host: _host, agentId: _agentId, ...counts }) =>
      Object.values(counts).every((count) => Number.isFinite(count) && count >= 0),
    )
}
