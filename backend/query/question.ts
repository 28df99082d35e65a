// What exactly is asked? Texts of a request become a profile type, matchers and a half-open range, once, before the store
// is troubled; each refusal says what came and what is allowed.
import { checkSelector } from '#profile/labels/check-selector'
import type { Matcher } from '#profile/labels/matcher'
import { type ProfileType, parseProfileType, printProfileType } from '#profile/model/profile-type'
import { parseTime } from '#profile/wire/time'
import { ServiceError } from '../errors.ts'

export interface Question {
  readonly type: ProfileType
  readonly matchers: readonly Matcher[]
  readonly fromMs: number
  readonly toMs: number
}

/** Throws ServiceError `invalid`, with the position for a selector. A type in front of the selector wins over `type`. */
export function parseQuestion(
  request: {
    readonly type: string
    readonly query: string
    readonly from: string | number
    readonly to: string | number
  },
  nowMs: number,
): Question {
  const selector = checkSelector(request.query)
  if (!selector.ok)
    throw new ServiceError('invalid', `query: ${selector.error.message}`, {
      key: 'query',
      ...(selector.error.position === undefined ? {} : { position: selector.error.position }),
    })
  const { matchers, type: typeInSelector } = selector.value
  return { type: parseType(typeInSelector ?? request.type), matchers, ...parseRange(request, nowMs) }
}

/** Throws ServiceError `invalid` for a moment that cannot be read and for a range that is empty. */
export function parseRange(
  request: { readonly from: string | number; readonly to: string | number },
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  const moment = (name: 'from' | 'to') => {
    const time = parseTime(request[name], nowMs)
    if (!time.ok) throw new ServiceError('invalid', `${name}: ${time.error.message}`, { key: name })
    return time.value
  }
  const fromMs = moment('from')
  const toMs = moment('to')
  if (fromMs >= toMs)
    throw new ServiceError(
      'invalid',
      `the range is empty: from ${print(fromMs)} to ${print(toMs)}; from must be before to`,
      { key: 'from', got: String(request.from) },
    )
  return { fromMs, toMs }
}

const print = (timeMs: number): string => {
  const date = new Date(timeMs)
  return Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString()
}

function parseType(text: string): ProfileType {
  const type = parseProfileType(text)
  if (type !== undefined) return type
  const example = printProfileType(parseProfileType('cpu')!)
  throw new ServiceError(
    'invalid',
    `type ${JSON.stringify(text.slice(0, 100))} is no profile type; write cpu or an id of five parts such as ${example}`,
    { key: 'type' },
  )
}
