// What can one ask, in one place? The interface that the HTTP side calls: requests as query-api.ts has parsed them, its
// answers back. `createQueryService` in service.ts makes it of a Store; the client of the worker has the same methods.
import type { z } from 'zod'
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import type * as api from '#profile/wire/query-api'

/** A request after zod: defaults filled in. */
export type Parsed<Schema extends z.ZodType> = z.output<Schema>
export type ParsedSeries = Parsed<typeof api.SeriesRequest>
export type ParsedTree = Parsed<typeof api.TreeRequest>
export type ParsedSide = Parsed<typeof api.DiffSide>
export type ParsedDiff = Parsed<typeof api.DiffRequest>
export type ParsedExport = Parsed<typeof api.ExportRequest>
export type ParsedTop = Parsed<typeof api.TopRequest>
export type ParsedQuality = Parsed<typeof api.QualityRequest>
export type ParsedLabels = Parsed<typeof api.LabelsRequest>
export type ParsedProfileTypes = Parsed<typeof api.ProfileTypesRequest>

/** A file as a download sends it. */
export interface ExportedFile {
  /** Of letters, digits, `.`, `_` and `-` only. */
  readonly name: string
  readonly contentType: string
  readonly body: Uint8Array
}

/** What a picture shows. */
export interface PictureOf {
  readonly format: 'svg' | 'html'
  readonly view: 'flame' | 'iceberg'
  readonly tree: CallTree | DiffTree
  /** Of the tree, or of a diff's comparison. */
  readonly query: string
  readonly meta: api.AnswerMeta
  /** Present with a DiffTree. */
  readonly baseline?: { readonly query: string; readonly meta: api.AnswerMeta }
}
/** Throws ServiceError `unimplemented` where the format cannot be drawn. */
export type DrawPicture = (picture: PictureOf) => string

/** Every method throws ServiceError: `invalid` (with a position for selectors), `not_found` for a path that is not there,
 *  `limit`, `deadline`, `queue_full`, `internal`. */
export interface QueryService {
  series(request: ParsedSeries): Promise<api.SeriesAnswer>
  flame(request: ParsedTree): Promise<api.TreeAnswer>
  /** `path` names functions from the base of the iceberg upwards: leaf, its caller, and so on. */
  iceberg(request: ParsedTree): Promise<api.TreeAnswer>
  diff(request: ParsedDiff): Promise<api.DiffAnswer>
  /** Also throws `limit` for a file of more than limits.exportBytes. */
  exportFile(request: ParsedExport): Promise<ExportedFile>
  top(request: ParsedTop): Promise<api.TopAnswer>
  quality(request: ParsedQuality): Promise<api.QualityAnswer>
  labels(request: ParsedLabels): Promise<api.LabelsAnswer>
  labelValues(name: string, request: ParsedLabels): Promise<api.LabelsAnswer>
  profileTypes(request: ParsedProfileTypes): Promise<api.ProfileTypesAnswer>
  /** The `store` part of /status; series, services and hosts are those of the last hour. */
  storeStatus(): Promise<api.StatusAnswer['store']>
}
