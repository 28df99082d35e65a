// The data source that answers the panels' strip in the browser tests: a service whose `spin` doubles at half past the
// quarter of an hour it is watched for. Its answers are made by range, so that a stroke really changes the tree.
import type { DataFrame, DataQueryRequest, DataSourceApi } from '@grafana/data'
import { setDataSourceSrv } from '@grafana/runtime'
import { Observable } from 'rxjs'
import type { CallTree } from '#profile/tree/call-tree'
import { diffTrees } from '#profile/tree/diff'
import { invertTree } from '#profile/tree/invert'
import type { AnswerMeta } from '#profile/wire/query-api'
import { diffToJson, treeToJson } from '#profile/wire/tree-answer'
import { seriesToFrames } from '../../frame/series-to-frame.ts'
import { diffToFrame, treeToFrame } from '../../frame/tree-to-frame.ts'
import type { Span } from '../timeline/brush.ts'
import type { SourceQuery } from '../timeline/strip-source.ts'
import { changedTree, serviceTree } from './sample-trees.ts'

const START_MS = Date.UTC(2026, 10, 24, 10)
/** What the panels are asked for: a quarter of an hour. */
export const QUARTER: Span = { fromMs: START_MS, toMs: START_MS + 900_000 }
const HALF_MS = START_MS + 450_000
/** Nobody reported. */
const GAP: Span = { fromMs: START_MS + 180_000, toMs: START_MS + 240_000 }
const UID = 'fake'

export interface FakeSource {
  /** `metrics 10:00:00 to 10:15:00`, one a request. */
  readonly asked: string[]
  /** Requests that were unsubscribed before their answer. */
  aborted: number
  delayMs: number
  /** A sentence: all profiles fail with it. */
  failure: string | undefined
  frames(queryType: string, over?: Partial<SourceQuery>, laterMs?: number, toMs?: number): DataFrame[]
}

/** What an answer says of itself. */
export type MetaOf = (tree: CallTree, over: Partial<AnswerMeta>) => AnswerMeta

/** Makes it, and lets `getDataSourceSrv` find it by its uid, and no other. */
export function setFakeSource(metaOf: MetaOf): FakeSource {
  const answer = (query: SourceQuery, span: Span) => answerTo(query, span, metaOf)
  const fake: FakeSource = {
    asked: [],
    aborted: 0,
    delayMs: 0,
    failure: undefined,
    frames: (queryType, over = {}, laterMs = 0, toMs = QUARTER.toMs) =>
      answer(
        { refId: 'A', labelSelector: '{service_name="cart"}', datasource: { uid: UID }, ...over, queryType },
        { fromMs: QUARTER.fromMs + laterMs, toMs: toMs + laterMs },
      ),
  }
  const query = (request: DataQueryRequest<SourceQuery>) =>
    new Observable<{ data: DataFrame[]; errors?: { message: string }[] }>((subscriber) => {
      const [target] = request.targets
      const span = { fromMs: request.range.from.valueOf(), toMs: request.range.to.valueOf() }
      fake.asked.push(asText(target!, span))
      let isDone = false
      const { failure } = fake
      const timer = setTimeout(() => {
        isDone = true
        const fails = failure !== undefined && target!.queryType !== 'metrics'
        subscriber.next(
          fails ? { data: [], errors: [{ message: failure }] } : { data: answer(target!, span) },
        )
        subscriber.complete()
      }, fake.delayMs)
      return () => {
        clearTimeout(timer)
        if (!isDone) fake.aborted++
      }
    })
  setDataSourceSrv({
    get: async (ref) => {
      const uid = typeof ref === 'string' ? ref : ref?.uid
      if (uid !== UID) throw new Error(`Data source ${uid} was not found`)
      return { query } as unknown as DataSourceApi
    },
    getList: () => [],
    getInstanceSettings: () => undefined,
    reload: () => undefined,
    registerRuntimeDataSource: () => undefined,
  })
  return fake
}

const clock = (moment: number) => new Date(moment).toISOString().slice(11, 19)

function asText({ queryType, invert, baseline }: SourceQuery, { fromMs, toMs }: Span): string {
  const { from, to } = (baseline ?? {}) as { from?: number; to?: number }
  const side = from === undefined || to === undefined ? '' : ` against ${clock(from)} to ${clock(to)}`
  return `${queryType}${invert === true ? ' inverted' : ''} ${clock(fromMs)} to ${clock(toMs)}${side}`
}

function answerTo(query: SourceQuery, span: Span, metaOf: MetaOf): DataFrame[] {
  const { refId, queryType, baseline } = query
  if (queryType === 'metrics') return series(span, refId, metaOf)
  if (queryType === 'both') {
    const profile = answerTo({ ...query, queryType: 'profile' }, span, metaOf)
    return [...series(span, refId, metaOf), ...profile]
  }
  const comparison = treeOf(span)
  if (queryType === 'diff') {
    const { from = QUARTER.fromMs, to = HALF_MS } = (baseline ?? {}) as { from?: number; to?: number }
    const side = { fromMs: from, toMs: to }
    const tree = diffTrees({ baseline: treeOf(side), comparison })
    const meta = { baseline: metaOf(treeOf(side), side), comparison: metaOf(comparison, span) }
    return [diffToFrame({ answer: diffToJson(tree, meta), query: query as never, refId })]
  }
  const tree = query.invert === true ? invertTree(comparison) : comparison
  return [treeToFrame({ answer: treeToJson(tree, metaOf(comparison, span)), query: query as never, refId })]
}

/** The tree of a range, as much of it as the range is long. */
function treeOf({ fromMs, toMs }: Span): CallTree {
  const tree = fromMs >= HALF_MS ? changedTree() : serviceTree()
  const share = (toMs - fromMs) / (QUARTER.toMs - QUARTER.fromMs)
  const self = tree.self.map((value) => Math.round((value * share) / 1e5) * 1e5)
  const total = self.slice()
  for (let node = total.length - 1; node > 0; node--) {
    let parent = node - 1
    while (tree.depth[parent]! >= tree.depth[node]!) parent--
    total[parent]! += total[node]!
  }
  return { ...tree, self, total }
}

/** 0.8 cores with a wave, 1.2 from half time on, and a gap. */
function series({ fromMs, toMs }: Span, refId: string, metaOf: MetaOf): DataFrame[] {
  const stepMs = 10_000
  const start = Math.floor(fromMs / stepMs) * stepMs
  const t = Array.from({ length: Math.ceil((toMs - start) / stepMs) }, (_, i) => start + i * stepMs)
  const valueAt = (moment: number) => {
    if (moment >= GAP.fromMs && moment < GAP.toMs) return null
    const wave = 0.15 * Math.sin(((moment - START_MS) / 60_000) * 2)
    return (moment >= HALF_MS ? 1.2 : 0.8) + wave
  }
  const meta = metaOf(serviceTree(), { fromMs, toMs })
  const line = { kind: 'series', meta, valueUnit: 'cores', stepS: 10, labels: [{}], t } as const
  return seriesToFrames({ ...line, v: [t.map(valueAt)] }, refId)
}
