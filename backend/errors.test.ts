import { describe, expect, it } from 'vitest'
import { ServiceError, STATUS_OF_CODE } from './errors.ts'

describe('ServiceError', () => {
  it('carries its detail across threads and back', () => {
    const error = new ServiceError('too_large', 'body is 70 MiB; the limit is 64 MiB', {
      key: 'limits.bodyBytes',
      limit: 64,
      got: 70,
    })
    const copy = ServiceError.fromAnswer(structuredClone(error.toAnswer()))
    expect(copy.toAnswer()).toEqual({
      error: {
        code: 'too_large',
        message: 'body is 70 MiB; the limit is 64 MiB',
        key: 'limits.bodyBytes',
        limit: 64,
        got: 70,
      },
    })
    expect(copy.httpStatus).toBe(413)
  })

  it('shows nobody the words of an unexpected error', () => {
    const secret = new Error('SELECT * FROM /var/lib/secret')
    const error = ServiceError.from(secret)
    expect(error.code).toBe('internal')
    expect(JSON.stringify(error.toAnswer())).not.toContain('secret')
    expect(error.cause).toBe(secret)
  })

  it('leaves a ServiceError as it is', () => {
    const error = new ServiceError('deadline', 'after 25 s')
    expect(ServiceError.from(error)).toBe(error)
  })

  it('makes retryable exactly what OTLP senders retry', () => {
    for (const { http, retryable } of Object.values(STATUS_OF_CODE))
      expect(retryable).toBe([429, 502, 503, 504].includes(http))
  })
})
