// Which share of the samples of these hosts was lost in this time? Agents tell what they have counted since their start, so
// what belongs to a range is the difference of its last account and the last one before it.
import type { Matcher } from '#profile/labels/matcher'
import { labelTest } from '../store/match-series.ts'
import type { Account, Store } from '../store/store.ts'
import type { Question } from './question.ts'

const HOST = 'host'
/** Accounts come with the requests, some 10 to 30 s apart; what was counted just before the range is looked for so far back. */
const BEFORE_MS = 120_000
/** A window's account is written when it ends; the window counts by its start. */
const AFTER_MS = 30_000

/** out  Σ lost ÷ Σ (expected − idle − left out on purpose) over the hosts that the selector does not exclude, 0 to 1;
 *       undefined: no agent gave account of this time */
export async function lostShareOf(store: Store, question: Question): Promise<number | undefined> {
  const { fromMs, toMs } = question
  const { value } = await store.accounts({ fromMs: fromMs - BEFORE_MS, toMs: toMs + AFTER_MS })
  return lostShare(value, { fromMs, matchers: question.matchers })
}

/** Pure part. Of the matchers only those on the host say anything of an agent. */
export function lostShare(
  accounts: readonly Account[],
  { fromMs, matchers }: { readonly fromMs: number; readonly matchers: readonly Matcher[] },
): number | undefined {
  const isMeant = labelTest(matchers.filter(({ name }) => name === HOST))
  const byAgent = new Map<string, Account[]>()
  for (const account of accounts) {
    if (!isMeant([[HOST, account.host]])) continue
    const known = byAgent.get(account.agentId)
    if (known) known.push(account)
    else byAgent.set(account.agentId, [account])
  }
  let lost = 0
  let wanted = 0
  for (const own of byAgent.values()) {
    own.sort((one, other) => one.reportedMs - other.reportedMs)
    const last = own.at(-1)!
    if (last.reportedMs < fromMs) continue
    // One that started in the range began at nothing; of one without an earlier account its first is where we begin.
    const first = own.findLast(({ reportedMs }) => reportedMs < fromMs)
    const base = first ?? (last.startedMs >= fromMs ? NOTHING : own[0]!)
    lost += last.lost - base.lost
    wanted += last.expected - base.expected - (last.idle - base.idle) - (last.filtered - base.filtered)
  }
  return wanted > 0 ? Math.min(1, Math.max(0, lost / wanted)) : undefined
}

const NOTHING = { lost: 0, expected: 0, idle: 0, filtered: 0 }
