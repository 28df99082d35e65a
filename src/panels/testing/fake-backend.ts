// The backend that answers the panels' strip in the browser tests, behind the real data source: a service whose `spin`
// doubles in the middle of the quarter of an hour it is watched for. Its answers are made by range, so that a stroke
// really changes the tree.
import {
  type DataFrame,
  type DataQueryRequest,
  type DataSourceApi,
  type DataSourceInstanceSettings,
  dateTime,
} from '@grafana/data'
import { type BackendSrv, type BackendSrvRequest, setDataSourceSrv } from '@grafana/runtime'
import { Observable } from 'rxjs'
import type { CallTree } from '#profile/tree/call-tree'
import { diffTrees } from '#profile/tree/diff'
import { invertTree } from '#profile/tree/invert'
import type { AnswerMeta, DiffRequest, SeriesAnswer, TreeRequest } from '#profile/wire/query-api'
import { diffToJson, treeToJson } from '#profile/wire/tree-answer'
import { ProfileDataSource } from '../../datasource/datasource.ts'
import type { ProfileQuery } from '../../datasource/query.ts'
import type { Span } from '../timeline/brush.ts'
import { changedTree, foldedTree, serviceTree } from './sample-trees.ts'

const START_MS = Date.UTC(2026, 10, 24, 10)
/** What the panels are asked for: a quarter of an hour. */
export const QUARTER: Span = { fromMs: START_MS, toMs: START_MS + 900_000 }
const MIDDLE_MS = START_MS + 450_000
/** Nobody reported. */
const GAP: Span = { fromMs: START_MS + 180_000, toMs: START_MS + 240_000 }
const UID = 'flametrail'

export interface FakeBackend {
  /** `series 10:00:00 to 10:15:00`, one a request, since the last `frames`. */
  readonly asked: string[]
  /** Requests that nobody waited for any more. */
  aborted: number
  /** Answers wait for `release`; else they come at once. */
  isHolding: boolean
  release(): void
  /** A sentence that all trees are refused with. */
  refusal: string | undefined
  /** A sentence that all series are refused with. */
  seriesRefusal: string | undefined
  /** What a panel is given for a query, by the data source itself. */
  frames(query: Partial<ProfileQuery>, span?: Span): DataFrame[]
}

/** What an answer says of itself. */
export type MetaOf = (tree: CallTree, over: Partial<AnswerMeta>) => AnswerMeta

/** Makes it, and lets `getDataSourceSrv` find its data source by its uid, and no other. */
export function setFakeBackend(metaOf: MetaOf): FakeBackend {
  const held: (() => void)[] = []
  const fake: FakeBackend = {
    asked: [],
    aborted: 0,
    isHolding: false,
    release: () => {
      fake.isHolding = false
      for (const answer of held.splice(0)) answer()
    },
    refusal: undefined,
    seriesRefusal: undefined,
    frames: (query, span = QUARTER) => {
      let frames: DataFrame[] = []
      const { isHolding, refusal, seriesRefusal } = fake
      Object.assign(fake, { isHolding: false, refusal: undefined, seriesRefusal: undefined })
      // An answer that nobody holds is there when `subscribe` returns.
      source.query(requestFor(query, span)).subscribe(({ data }) => {
        frames = data as DataFrame[]
      })
      Object.assign(fake, { isHolding, refusal, seriesRefusal })
      fake.asked.length = 0
      return frames
    },
  }
  const fetch = (request: BackendSrvRequest) =>
    new Observable((subscriber) => {
      const route = request.url.replace('/api/v1/', '')
      const refusal = route === 'series' ? fake.seriesRefusal : fake.refusal
      fake.asked.push(asText(route, request.data))
      let isDone = false
      const answer = () => {
        isDone = true
        if (refusal !== undefined)
          return subscriber.error({ status: 400, data: { error: { message: refusal } }, config: request })
        subscriber.next({ status: 200, data: answerTo(route, request.data, metaOf) })
        subscriber.complete()
      }
      if (fake.isHolding) held.push(answer)
      else answer()
      return () => {
        if (!isDone) fake.aborted++
      }
    })
  const settings = { uid: UID, url: '', type: 'flametrail-profiles-datasource', jsonData: {} }
  const source = new ProfileDataSource(settings as unknown as DataSourceInstanceSettings, {
    backendSrv: { fetch } as unknown as BackendSrv,
    templateSrv: { replace: (text = '') => text } as never,
  })
  setDataSourceSrv({
    get: async (ref) => {
      const uid = typeof ref === 'string' ? ref : ref?.uid
      if (uid !== UID) throw new Error(`Data source ${uid} was not found`)
      return source as unknown as DataSourceApi
    },
    getList: () => [],
    getInstanceSettings: () => undefined,
    reload: () => undefined,
    registerRuntimeDataSource: () => undefined,
  })
  return fake
}

/** As a dashboard asks: its targets call the data source by a variable. */
function requestFor(query: Partial<ProfileQuery>, span: Span): DataQueryRequest<ProfileQuery> {
  const [from, to] = [dateTime(span.fromMs), dateTime(span.toMs)]
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a dashboard writes it.
  const target = { refId: 'A', datasource: { uid: '${datasource}' }, ...query }
  return { requestId: 'panel', range: { from, to, raw: { from, to } }, targets: [target] } as never
}

const clock = (moment: unknown) => new Date(String(moment)).toISOString().slice(11, 19)
const rangeText = ({ from, to }: { from?: unknown; to?: unknown }) => `${clock(from)} to ${clock(to)}`

function asText(route: string, request: TreeRequest | DiffRequest): string {
  if (!('baseline' in request)) return `${route} ${rangeText(request)}`
  return `${route} ${rangeText(request.comparison)} against ${rangeText(request.baseline)}`
}

const spanOf = ({ from, to }: { from?: unknown; to?: unknown }): Span => ({
  fromMs: Date.parse(String(from)),
  toMs: Date.parse(String(to)),
})

function answerTo(route: string, request: TreeRequest | DiffRequest, metaOf: MetaOf): object {
  if ('baseline' in request) {
    const sides = [request.baseline, request.comparison].map((side) => {
      const span = spanOf(side)
      return { tree: treeOf(span), meta: metaOf(treeOf(span), span) }
    })
    const [baseline, comparison] = sides as [(typeof sides)[0], (typeof sides)[0]]
    const tree = diffTrees({ baseline: baseline.tree, comparison: comparison.tree })
    return diffToJson(tree, { baseline: baseline.meta, comparison: comparison.meta })
  }
  const span = spanOf(request)
  const tree = treeOf(span)
  if (route === 'series') return seriesOf(span, metaOf(tree, span))
  return treeToJson(route === 'iceberg' ? invertTree(tree) : tree, metaOf(tree, span))
}

/** The tree of a range, as much of it as the range is long; of the gap nothing. */
function treeOf({ fromMs, toMs }: Span): CallTree {
  if (fromMs >= GAP.fromMs && toMs <= GAP.toMs) return foldedTree('')
  const tree = fromMs >= MIDDLE_MS ? changedTree() : serviceTree()
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

/** 0.8 cores with a wave, 1.2 from the middle on, and a gap. */
function seriesOf({ fromMs, toMs }: Span, meta: AnswerMeta): SeriesAnswer {
  const stepMs = 10_000
  const start = Math.floor(fromMs / stepMs) * stepMs
  const t = Array.from({ length: Math.ceil((toMs - start) / stepMs) }, (_, i) => start + i * stepMs)
  const valueAt = (moment: number) => {
    if (moment >= GAP.fromMs && moment < GAP.toMs) return null
    const wave = 0.15 * Math.sin(((moment - START_MS) / 60_000) * 2)
    return (moment >= MIDDLE_MS ? 1.2 : 0.8) + wave
  }
  return { kind: 'series', meta, valueUnit: 'cores', stepS: 10, labels: [{}], t, v: [t.map(valueAt)] }
}
