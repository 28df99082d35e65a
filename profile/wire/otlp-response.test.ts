import { fromBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { ExportProfilesServiceResponseSchema } from './gen/otlp_profiles_pb.ts'
import { StatusSchema } from './gen/rpc_status_pb.ts'
import { encodeExportResponse, encodeStatus, exportResponseJson, statusJson } from './otlp-response.ts'

describe('what a sender hears', () => {
  it('is nothing at all when all is well', () => {
    expect(encodeExportResponse({ rejectedProfiles: 0, message: '' }).length).toBe(0)
    expect(exportResponseJson({ rejectedProfiles: 0, message: '' })).toBe('{}')
  })

  it('is how many profiles were refused, and why', () => {
    const partial = { rejectedProfiles: 2, message: '2 of 40 profiles rejected' }
    expect(
      fromBinary(ExportProfilesServiceResponseSchema, encodeExportResponse(partial)).partialSuccess,
    ).toMatchObject({
      rejectedProfiles: 2n,
      errorMessage: '2 of 40 profiles rejected',
    })
    expect(JSON.parse(exportResponseJson(partial))).toEqual({
      partialSuccess: { rejectedProfiles: '2', errorMessage: '2 of 40 profiles rejected' },
    })
  })

  it('is a warning when none were refused', () => {
    expect(JSON.parse(exportResponseJson({ rejectedProfiles: 0, message: 'old layout' }))).toEqual({
      partialSuccess: { errorMessage: 'old layout' },
    })
  })

  it('is at most 1,024 characters', () => {
    const bytes = encodeExportResponse({ rejectedProfiles: 1, message: 'x'.repeat(5_000) })
    const message = fromBinary(ExportProfilesServiceResponseSchema, bytes).partialSuccess!.errorMessage
    expect([message.length, message.at(-1)]).toEqual([1_024, '…'])
  })

  it('is a status for a request that was refused', () => {
    const status = { code: 3, message: 'no field number at byte 0' }
    expect(fromBinary(StatusSchema, encodeStatus(status))).toMatchObject(status)
    expect(JSON.parse(statusJson(status))).toEqual(status)
  })
})
