// What does one see where no agent can run? A profile of an imaginary web shop, so that every view can be tried. It is
// marked in its labels, in its service name and in every answer's meta: nobody may take it for this machine.
import { ProfileBuilder } from '#profile/model/builder'
import { asId, NONE, type StackId } from '#profile/model/ids'
import { labelsOf } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { encodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { Refusal } from './command.ts'

/** The label that marks every series of it; the backend turns it into `meta.sampleProfile`. */
export const SAMPLE_PROFILE_LABEL = 'flametrail_sample_profile'

/** Samples in 10 s at 19 Hz by stack, root first; the second number is the load after "the deploy". */
const STACKS: readonly (readonly [stack: string, before: number, after: number])[] = [
  ['_start;main;serve;handle_request;route;checkout;price_cart;apply_discounts', 22, 24],
  ['_start;main;serve;handle_request;route;checkout;price_cart;apply_discounts;parse_rule', 14, 61],
  [
    '_start;main;serve;handle_request;route;checkout;price_cart;apply_discounts;parse_rule;regex_match',
    9,
    44,
  ],
  ['_start;main;serve;handle_request;route;checkout;load_session;decrypt', 12, 11],
  ['_start;main;serve;handle_request;route;search;rank;score', 38, 36],
  ['_start;main;serve;handle_request;route;search;rank;sort_results', 17, 18],
  ['_start;main;serve;handle_request;read_body;gunzip;inflate', 11, 12],
  ['_start;main;serve;handle_request;write_json;encode_string', 16, 15],
  ['_start;main;serve;epoll_wait;do_syscall_64;ep_poll', 8, 8],
  ['_start;main;gc;mark;scan_object', 19, 22],
]
const WINDOW_MS = 10_000
const HISTORY_MS = 15 * 60_000

/** Sends the last 15 minutes of the sample profile and then a window every 10 s until `stopped`.
 *  throws Refusal when the backend does not take it */
export async function postSampleProfile(url: string, stopped: Promise<void>): Promise<void> {
  const now = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS
  await post(url, sampleProfile(now - HISTORY_MS, now, now - HISTORY_MS / 3))
  let next = now
  const timer = setInterval(() => {
    next += WINDOW_MS
    post(url, sampleProfile(next - WINDOW_MS, next, 0)).catch((error: Error) =>
      process.stderr.write(`${error.message}\n`),
    )
  }, WINDOW_MS)
  stopped.then(() => clearInterval(timer))
}

/** Windows of [fromMs, toMs), each of 10 s; those from `deployMs` on carry the second load. Pure. */
export function sampleProfile(fromMs: number, toMs: number, deployMs: number): Profile {
  const builder = new ProfileBuilder()
  const mapping = builder.mapping({ file: 'shop' })
  const labels = builder.labelSet(
    labelsOf([
      ['service_name', 'SAMPLE-shop (not this machine)'],
      ['executable', 'shop'],
      ['host', 'SAMPLE'],
      [SAMPLE_PROFILE_LABEL, 'true'],
    ]),
  )
  const leaves = STACKS.map(([stack]) =>
    stack.split(';').reduce<StackId>((parent, name) => {
      const line = { function: builder.function({ name }), line: 0 }
      const location = builder.location({
        mapping: name.startsWith('ep_') || name.startsWith('do_') ? NONE : mapping,
        addressHigh: 0,
        addressLow: 0,
        kind: 'native',
        lines: [line],
      })
      return builder.stack(parent, location)
    }, asId<StackId>(0)),
  )
  for (let timeMs = fromMs; timeMs < toMs; timeMs += WINDOW_MS) {
    STACKS.forEach(([, before, after], i) => {
      builder.sample({
        stack: leaves[i]!,
        labelSet: labels,
        value: timeMs >= deployMs ? after : before,
        timeMs,
      })
    })
  }
  return builder.build({ type: CPU_SAMPLES, period: 1e9 / 19, timeMs: fromMs, durationMs: toMs - fromMs })
}

async function post(url: string, profile: Profile): Promise<void> {
  const body = encodeOtlpProfiles({ profiles: [profile] })
  const headers = { 'content-type': 'application/x-protobuf' }
  const response = await fetch(`${url}/v1development/profiles`, {
    method: 'POST',
    headers,
    body: body as Uint8Array<ArrayBuffer>,
  })
  if (!response.ok) throw new Refusal(`the backend refused the sample profile with ${response.status}`)
}
