// Which request is it? One that tells its own number, so that a store can be asked what of a stream it holds.
import { ProfileBuilder } from '#profile/model/builder'
import { asId, NONE } from '#profile/model/ids'
import type { Profile } from '#profile/model/profile'
import { CPU } from '#profile/model/profile-type'

/** Request `i` brings the value i + 1 of a function of its own, on a stack that all share. */
export function profileOfRequest(i: number, timeMs: number): Profile {
  const builder = new ProfileBuilder()
  const location = (name: string) =>
    builder.location({
      mapping: NONE,
      addressHigh: 0,
      addressLow: 0,
      kind: 'native',
      lines: [{ function: builder.function({ name }), line: 0 }],
    })
  const stack = builder.stack(builder.stack(asId(0), location('main')), location(`f${i}`))
  const labelSet = builder.labelSet([['service_name', `service-${i % 7}`]])
  builder.sample({ stack, labelSet, value: i + 1, timeMs })
  return builder.build({ type: CPU, period: 1, timeMs, durationMs: 10_000 })
}
