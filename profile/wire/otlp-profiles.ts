// What do agents and collectors send? OTLP profiles (v1development), both ways: the door to the files beside it.
//
//   bytes ─► proto-reader ─► otlp-layout ─► otlp-dictionary, otlp-stacks, stack-rows ─► otlp-samples, otlp-labels ─► Profile[]
//   Profile[] ─► otlp-encode ─► bytes
import { fromJsonString, toBinary } from '@bufbuild/protobuf'
import { failure, type Result } from '../model/result.ts'
import { ExportProfilesServiceRequestSchema } from './gen/otlp_profiles_pb.ts'
import { decodeInLayout, type OtlpOptions, type OtlpRequest } from './otlp-decode.ts'
import { LAYOUT_1_10 } from './otlp-layout.ts'

export { decodeOtlpProfiles, type OtlpOptions, type OtlpRequest } from './otlp-decode.ts'
export { encodeOtlpProfiles } from './otlp-encode.ts'
export { encodeExportResponse, encodeStatus, exportResponseJson, statusJson } from './otlp-response.ts'
export { WINDOW_MS } from './otlp-samples.ts'
export type { Cut, Rejected, WireLimits } from './wire-limits.ts'

// Three characters of JSON become an object of some 150 bytes: what senders of JSON need is far below.
const JSON_LENGTH_MAX = 8 * 2 ** 20

/** Decodes a request in protobuf's JSON; as `decodeOtlpProfiles`, but for texts of at most 8 Mi characters. */
export function decodeOtlpProfilesJson(text: string, options: OtlpOptions): Result<OtlpRequest> {
  if (text.length > JSON_LENGTH_MAX)
    return failure(
      `the JSON body has ${text.length} characters; allowed are ${JSON_LENGTH_MAX}: send application/x-protobuf or smaller batches`,
    )
  let bytes: Uint8Array
  try {
    const request = fromJsonString(ExportProfilesServiceRequestSchema, text, { ignoreUnknownFields: true })
    bytes = toBinary(ExportProfilesServiceRequestSchema, request)
  } catch (error) {
    // The library throws plain Errors for any text that is not this message; there is no other kind to tell apart.
    return failure(`not an OTLP profiles request in JSON: ${String((error as Error).message).slice(0, 200)}`)
  }
  return decodeInLayout(bytes, { ...options, layout: LAYOUT_1_10 })
}
