// What does a sender hear? Success, success in part, or a status with a sentence, in the encoding of its request.
import { create, toBinary, toJsonString } from '@bufbuild/protobuf'
import { ExportProfilesServiceResponseSchema } from './gen/otlp_profiles_pb.ts'
import { StatusSchema } from './gen/rpc_status_pb.ts'

const MESSAGE_LENGTH_MAX = 1_024 // a log line of the sender

/** What was not taken of a request whose rest was stored. Zero and "" are a full success. */
export interface PartialSuccess {
  readonly rejectedProfiles: number
  /** Reasons with counts and keys; with 0 rejected a warning. Cut after 1,024 characters. */
  readonly message: string
}
/** `code` is a gRPC status code: 3 invalid_argument, 8 resource_exhausted, 14 unavailable, … */
export interface RpcStatus {
  readonly code: number
  readonly message: string
}

/** `ExportProfilesServiceResponse` as application/x-protobuf; empty when all is well. */
export const encodeExportResponse = (success: PartialSuccess): Uint8Array =>
  toBinary(ExportProfilesServiceResponseSchema, exportResponse(success))

/** The same as application/json. */
export const exportResponseJson = (success: PartialSuccess): string =>
  toJsonString(ExportProfilesServiceResponseSchema, exportResponse(success))

/** `google.rpc.Status` as application/x-protobuf. */
export const encodeStatus = (status: RpcStatus): Uint8Array =>
  toBinary(StatusSchema, create(StatusSchema, { code: status.code, message: status.message }))

/** The same as application/json. */
export const statusJson = (status: RpcStatus): string =>
  toJsonString(StatusSchema, create(StatusSchema, { code: status.code, message: status.message }))

function exportResponse({ rejectedProfiles, message }: PartialSuccess) {
  if (rejectedProfiles === 0 && message === '') return create(ExportProfilesServiceResponseSchema)
  const isLong = message.length > MESSAGE_LENGTH_MAX
  return create(ExportProfilesServiceResponseSchema, {
    partialSuccess: {
      rejectedProfiles: BigInt(rejectedProfiles),
      errorMessage: isLong ? `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…` : message,
    },
  })
}
