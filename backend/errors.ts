// How does the server say no? With one of a closed list of codes; each has one HTTP and one gRPC status, decided here.
// What time can cure must look retryable, what it cannot must not: OTLP senders retry 429, 502, 503, 504 and drop the
// data on everything else.
import type { ErrorAnswer, ErrorCode } from '#profile/wire/query-api'

export type { ErrorCode }

interface Status {
  readonly http: number
  /** google.rpc.Code. */
  readonly grpc: number
  /** True: the same request may succeed later. */
  readonly retryable: boolean
}
const no = (http: number, grpc: number): Status => ({ http, grpc, retryable: false })
const later = (http: number, grpc: number): Status => ({ http, grpc, retryable: true })

/** One row per code: nobody else maps codes to statuses. */
export const STATUS_OF_CODE: Readonly<Record<ErrorCode, Status>> = {
  invalid: no(400, 3),
  limit: no(422, 3),
  unauthenticated: no(401, 16),
  forbidden: no(403, 7),
  not_found: no(404, 5),
  unimplemented: no(501, 12),
  too_large: no(413, 3),
  unsupported: no(415, 12),
  rate_limited: later(429, 8),
  queue_full: later(429, 8),
  starting: later(503, 14),
  stopping: later(503, 14),
  storage_full: later(503, 14), // never 507: OTLP senders would drop the data
  deadline: later(504, 4),
  canceled: no(499, 1),
  internal: no(500, 13),
}

/** What a refusal says beside its sentence. */
export interface RefusalDetail {
  /** The setting or limit that refused: "limits.samplesMax". */
  readonly key?: string
  readonly limit?: number
  readonly got?: number | string
  readonly retryAfterS?: number
  /** Zero-based position in the selector. */
  readonly position?: number
  readonly cause?: unknown
}

/** A refusal with a code. The message names what came, what is allowed and the cure, and may be shown to anyone. */
export class ServiceError extends Error {
  readonly code: ErrorCode
  readonly detail: RefusalDetail

  constructor(code: ErrorCode, message: string, detail: RefusalDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = 'ServiceError'
    this.code = code
    this.detail = detail
  }

  get httpStatus(): number {
    return STATUS_OF_CODE[this.code].http
  }

  get grpcCode(): number {
    return STATUS_OF_CODE[this.code].grpc
  }

  get isRetryable(): boolean {
    return STATUS_OF_CODE[this.code].retryable
  }

  /** Whatever was thrown, as a ServiceError: anything that is not one is a bug of ours, code `internal`, and keeps its
   *  own words in `cause` only, so that no path, SQL or stack trace reaches a stranger. */
  static from(thrown: unknown): ServiceError {
    if (thrown instanceof ServiceError) return thrown
    return new ServiceError('internal', 'the backend failed on this request; its log says why', {
      cause: thrown,
    })
  }

  /** The body of an error answer; `ServiceError.fromAnswer` is its inverse across threads. */
  toAnswer(): ErrorAnswer {
    const { key, limit, got, retryAfterS, position } = this.detail
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(key === undefined ? {} : { key }),
        ...(limit === undefined ? {} : { limit }),
        ...(got === undefined ? {} : { got }),
        ...(retryAfterS === undefined ? {} : { retryAfterS }),
        ...(position === undefined ? {} : { position }),
      },
    }
  }

  static fromAnswer(answer: ErrorAnswer): ServiceError {
    const { code, message, ...detail } = answer.error
    return new ServiceError(code, message, detail)
  }
}
