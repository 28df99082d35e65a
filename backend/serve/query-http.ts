// What does one ask about the profiles? The query API under /api/v1: every route takes GET with parameters that may
// repeat, or POST with the same fields as JSON, checked by the same schema; an unknown field is refused by name.
import { z } from 'zod'
import {
  DiffRequest,
  ExportRequest,
  LabelsRequest,
  ProfileTypesRequest,
  QualityRequest,
  SeriesRequest,
  type StatusAnswer,
  TopRequest,
  TreeRequest,
} from '#profile/wire/query-api'
import { ServiceError } from '../errors.ts'
import { inflateBody } from '../ingest/inflate.ts'
import type { Limits } from '../limits.ts'
import type { QueryService } from '../query/query-service.ts'
import { downloadAnswer } from './export.ts'
import type { Ledger } from './ledger.ts'
import { createHistogram, type Histogram } from './ledger.ts'
import { type Answer, type Ask, bodyChunks, bodyLength, jsonAnswer, type Route } from './route.ts'

export interface QueryRoutesParts {
  readonly service: QueryService
  readonly ledger: Ledger
  readonly limits: Limits
  readonly version: string
  readonly startedMs: number
  readonly meter: QueryMeter
}

/** How many queries ran, run, and how long they took. */
export interface QueryMeter {
  readonly seconds: ReadonlyMap<string, Histogram>
  /** "route code" → count; code "ok" for success. */
  readonly counts: Map<string, number>
  running: number
}

export const createQueryMeter = (): QueryMeter => ({
  seconds: new Map(ROUTES.map((route) => [route, createHistogram()])),
  counts: new Map(),
  running: 0,
})

const ROUTES = [
  'series',
  'flame',
  'iceberg',
  'diff',
  'export',
  'top',
  'quality',
  'labels',
  'values',
  'profile-types',
  'status',
] as const

export function queryRoutes(parts: QueryRoutesParts): readonly Route[] {
  const { service, ledger, meter } = parts
  /** GET and POST of one query. */
  const query = <Schema extends z.ZodObject, Found>(
    path: string,
    name: (typeof ROUTES)[number],
    schema: Schema,
    run: (request: z.output<Schema>, ask: Ask) => Promise<Found>,
    answerOf: (found: Found) => Answer = jsonAnswer,
  ): readonly Route[] => {
    const route = (method: 'GET' | 'POST'): Route => ({
      method,
      path: `/api/v1/${path}`,
      scope: 'read',
      answer: (ask) =>
        counted(meter, name, ask, async () => {
          const fields =
            method === 'GET' ? fieldsOfParams(ask.params, schema) : await fieldsOfBody(ask, parts.limits)
          const request = check(schema, fields, `/api/v1/${path}`)
          return answerOf(await inTurn(meter, parts.limits, () => run(request, ask)))
        }),
    })
    return [route('GET'), route('POST')]
  }
  return [
    ...query('series', 'series', SeriesRequest, (request) => service.series(request)),
    ...query('flame', 'flame', TreeRequest, (request) => service.flame(request)),
    ...query('iceberg', 'iceberg', TreeRequest, (request) => service.iceberg(request)),
    ...query('diff', 'diff', DiffRequest, (request) => service.diff(request)),
    ...query('export', 'export', ExportRequest, (request) => service.exportFile(request), downloadAnswer),
    ...query('top', 'top', TopRequest, (request) => service.top(request)),
    ...query('quality', 'quality', QualityRequest, (request) => service.quality(request)),
    ...query('labels', 'labels', LabelsRequest, (request) => service.labels(request)),
    ...query('labels/{name}/values', 'values', LabelsRequest, (request, ask) =>
      service.labelValues(labelName(ask), request),
    ),
    ...query('profile-types', 'profile-types', ProfileTypesRequest, (request) =>
      service.profileTypes(request),
    ),
    ...query(
      'status',
      'status',
      z.strictObject({}),
      async (_, ask): Promise<StatusAnswer> => ({
        kind: 'status',
        version: parts.version,
        startedMs: parts.startedMs,
        nowMs: ask.receivedMs,
        store: await service.storeStatus(),
        ingest: ledger.ingest(),
        agents: ledger.agents(),
      }),
    ),
  ]
}

/** Counts a query by its outcome, and measures it. */
async function counted<T>(
  meter: QueryMeter,
  name: (typeof ROUTES)[number],
  ask: Ask,
  run: () => Promise<T>,
): Promise<T> {
  const count = (code: string) =>
    meter.counts.set(`${name} ${code}`, (meter.counts.get(`${name} ${code}`) ?? 0) + 1)
  const started = performance.now()
  try {
    const answer = await run()
    count('ok')
    return answer
  } catch (error) {
    count(ask.incoming.socket.destroyed ? 'canceled' : ServiceError.from(error).code)
    throw error
  } finally {
    meter.seconds.get(name)?.observe((performance.now() - started) / 1_000)
  }
}

/** Bounds how many queries wait for the worker. A request that is still being sent is not one of them. */
async function inTurn<T>(meter: QueryMeter, limits: Limits, run: () => Promise<T>): Promise<T> {
  const limit = limits.queriesRunning + limits['query.queue']
  if (meter.running >= limit)
    throw new ServiceError(
      'queue_full',
      `${limit} queries wait already; ask again in a moment or raise limits.query.queue`,
      { key: 'limits.query.queue', limit, retryAfterS: 2 },
    )
  meter.running++
  try {
    return await run()
  } finally {
    meter.running--
  }
}

/** Parameters of a URL as the fields of a request: lists collect their repetitions, `baseline.query` nests.
 *  errors  invalid, for a single field given twice */
export function fieldsOfParams(params: URLSearchParams, schema: z.ZodObject): Record<string, unknown> {
  const fields = new Map<string, unknown>()
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name)
    const dot = name.indexOf('.')
    const outer = dot < 0 ? undefined : fieldOf(schema, name.slice(0, dot))
    if (outer instanceof z.ZodObject) {
      const inside = (fields.get(name.slice(0, dot)) ?? {}) as Record<string, unknown>
      const inner = name.slice(dot + 1)
      fields.set(name.slice(0, dot), { ...inside, [inner]: oneOrList(fieldOf(outer, inner), name, values) })
    } else fields.set(name, oneOrList(fieldOf(schema, name), name, values))
  }
  return Object.fromEntries(fields)
}

function fieldOf(schema: z.ZodObject, name: string): unknown {
  if (!Object.hasOwn(schema.shape, name)) return undefined
  const field: unknown = schema.shape[name]
  return field instanceof z.ZodDefault || field instanceof z.ZodOptional ? field.unwrap() : field
}

function oneOrList(field: unknown, name: string, values: readonly string[]): unknown {
  if (field instanceof z.ZodArray) return values
  if (values.length === 1) return values[0]
  throw new ServiceError(
    'invalid',
    `parameter ${name.slice(0, 100)} is given ${values.length} times; give it once`,
  )
}

const BODY_BYTES_MAX = 2 ** 20 // a selector and a path of a thousand long names

async function fieldsOfBody(ask: Ask, limits: Limits): Promise<unknown> {
  const { headers } = ask.incoming
  const type = (headers['content-type'] ?? 'application/json').split(';')[0]!.trim().toLowerCase()
  if (type !== 'application/json')
    throw new ServiceError(
      'unsupported',
      `Content-Type "${type.slice(0, 100)}" is not taken here; send the fields as application/json or use GET`,
    )
  const body = await inflateBody({
    chunks: bodyChunks(ask.incoming),
    encoding: headers['content-encoding'],
    length: bodyLength(ask.incoming),
    limits: {
      ...limits,
      bodyBytes: Math.min(limits.bodyBytes, BODY_BYTES_MAX),
      decompressedBytes: Math.min(limits.decompressedBytes, BODY_BYTES_MAX),
    },
  }).catch((error: unknown) => {
    if (!(error instanceof ServiceError) || error.code !== 'too_large') throw error
    const message = `a query has at most ${BODY_BYTES_MAX} bytes, this one has more; ask for a shorter path`
    throw new ServiceError('too_large', message, { limit: BODY_BYTES_MAX })
  })
  try {
    return body.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw new ServiceError('invalid', `the body is no JSON: ${(error as Error).message.slice(0, 200)}`, {
      cause: error,
    })
  }
}

/** Checks the fields of a request and fills in defaults.
 *  errors  invalid, naming the field, what came and what is allowed; limit for more nodes than one answer may have */
export function check<Schema extends z.ZodObject>(
  schema: Schema,
  fields: unknown,
  path: string,
): z.output<Schema> {
  const parsed = schema.safeParse(fields)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const field = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const inside = issue.path.reduce<z.ZodObject>((object, key) => {
      const next = fieldOf(object, String(key))
      return next instanceof z.ZodObject ? next : object
    }, schema)
    const name = [field, issue.keys[0]!.slice(0, 100)].filter((part) => part !== '').join('.')
    const known = Object.keys(inside.shape)
    throw new ServiceError(
      'invalid',
      `unknown field "${name}"; ${path} takes ${known.length === 0 ? 'no fields' : known.join(', ')}`,
      { got: name },
    )
  }
  if (issue.code === 'too_big' && field === 'maxNodes') {
    throw new ServiceError(
      'limit',
      `maxNodes is too large; the limit is ${issue.maximum} (limits.maxNodes)`,
      {
        key: 'limits.maxNodes',
        limit: Number(issue.maximum),
      },
    )
  }
  throw new ServiceError(
    'invalid',
    field === ''
      ? `the body must be an object of fields: ${issue.message}`
      : `field ${field}: ${issue.message}`,
  )
}

function labelName(ask: Ask): string {
  const name = ask.names.get('name') ?? ''
  if (name === '' || name.length > 1_024)
    throw new ServiceError('invalid', `a label name has 1 to 1,024 characters, got ${name.length}`)
  return name
}
