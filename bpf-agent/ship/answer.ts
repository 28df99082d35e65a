// What did the backend say? Its sentence, out of protobuf, JSON or plain text, and how many profiles it turned away.
// Answers are foreign bytes: bounded by the caller, and what cannot be read is shown as it is.
import { fromBinary } from '@bufbuild/protobuf'
import {
  ExportProfilesServiceRequestSchema,
  ExportProfilesServiceResponseSchema,
} from '#profile/wire/gen/otlp_profiles_pb'
import { StatusSchema } from '#profile/wire/gen/rpc_status_pb'

export interface Answer {
  readonly status: number
  /** Content type, lower case, without parameters. */
  readonly type: string
  readonly body: Uint8Array
}

const SENTENCE_CHARS_MAX = 400

/** The backend's own words about an answer that is no success; "" if it gave none. Control characters become "?". */
export function sentenceOf({ type, body }: Answer): string {
  const text = new TextDecoder().decode(body)
  const sentence = type === 'application/x-protobuf' ? statusMessage(body) : jsonMessage(text)
  const words = sentence ?? (type.startsWith('text/') && type !== 'text/html' ? text : '')
  return words.replace(/[\u0000-\u001f\u007f-\u009f]+/g, '?').slice(0, SENTENCE_CHARS_MAX)
}

/** Whether a success comes from a receiver of profiles: a web server that answers 200 with a page stored nothing. */
export const isExportAnswer = ({ type }: Answer): boolean =>
  type === 'application/x-protobuf' ||
  type === 'application/protobuf' ||
  type === 'application/json' ||
  type === ''

/** Profiles that a success names as refused, and why; 0 of an answer that cannot be read. */
export function rejectionOf({ type, body }: Answer): { readonly profiles: number; readonly message: string } {
  const success =
    type === 'application/json' ? undefined : readBinary(ExportProfilesServiceResponseSchema, body)
  const partial = success?.partialSuccess
  return { profiles: Number(partial?.rejectedProfiles ?? 0n), message: partial?.errorMessage ?? '' }
}

/** Profile messages in a request of ours; at least 1. */
export function profilesIn(request: Uint8Array): number {
  const resources = readBinary(ExportProfilesServiceRequestSchema, request)?.resourceProfiles ?? []
  const scopes = resources.flatMap((resource) => resource.scopeProfiles)
  return Math.max(
    1,
    scopes.reduce((count, scope) => count + scope.profiles.length, 0),
  )
}

function statusMessage(body: Uint8Array): string | undefined {
  return readBinary(StatusSchema, body)?.message
}

function jsonMessage(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const inner =
      'error' in value && typeof value.error === 'object' && value.error !== null ? value.error : value
    return 'message' in inner && typeof inner.message === 'string' ? inner.message : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function readBinary<Schema extends Parameters<typeof fromBinary>[0]>(schema: Schema, bytes: Uint8Array) {
  try {
    return fromBinary(schema, bytes)
  } catch (error) {
    // protobuf throws RangeError at the end of the bytes and Error for a broken tag: either way nothing to read.
    if (error instanceof Error) return undefined
    throw error
  }
}
