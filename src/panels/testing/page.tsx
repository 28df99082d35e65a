// The page that the browser tests drive: `window.show(…)` puts a panel into it, in a size and a theme, with frames made
// exactly as the data source makes them.
import './boot-data.ts'
import {
  createTheme,
  type DataFrame,
  EventBusSrv,
  LoadingState,
  type PanelProps,
  ThemeContext,
} from '@grafana/data'
import React from 'react'
import { createRoot } from 'react-dom/client'
import type { CallTree } from '#profile/tree/call-tree'
import { diffTrees } from '#profile/tree/diff'
import { invertTree } from '#profile/tree/invert'
import { pruneTree } from '#profile/tree/prune'
import type { AnswerMeta } from '#profile/wire/query-api'
import { diffToJson, treeToJson } from '#profile/wire/tree-answer'
import { diffToFrame, treeToFrame } from '../../frame/tree-to-frame.ts'
import { Panel as DiffPanel } from '../diff/Panel.tsx'
import { Panel as FlamePanel } from '../flamegraph/Panel.tsx'
import { Panel as IcebergPanel } from '../iceberg/Panel.tsx'
import { DEFAULT_OPTIONS, type GraphOptions } from '../options.ts'
import { type FakeBackend, QUARTER, setFakeBackend } from './fake-backend.ts'
import { changedTree, crowdTree, foldedTree, serviceTree } from './sample-trees.ts'

const PANELS = { flame: FlamePanel, iceberg: IcebergPanel, diff: DiffPanel }
const DAY = Date.UTC(2026, 10, 24, 10)

function metaOf(tree: CallTree, over: Partial<AnswerMeta> = {}): AnswerMeta {
  return {
    type: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
    unit: 'nanoseconds',
    fromMs: DAY,
    toMs: DAY + 900_000,
    samples: Math.round(tree.total[0]! / 1e5),
    endEarly: 0.38,
    unnamed: 0,
    nodes: { sent: tree.depth.length, folded: 0 },
    sampleProfile: false,
    coverage: { unreadable: [] },
    tookMs: 1,
    ...over,
  }
}
const flame = (tree: CallTree, over?: Partial<AnswerMeta>, invert = false, refId = 'A'): DataFrame =>
  treeToFrame({ answer: treeToJson(tree, metaOf(tree, over)), query: { invert }, refId })

const pruned = () => {
  const { tree, foldedNodes } = pruneTree(crowdTree(2_000), 300)
  return flame(tree, { nodes: { sent: tree.depth.length, folded: foldedNodes } })
}
const diff = () => {
  const [baseline, comparison] = [serviceTree(), changedTree()]
  const meta = {
    baseline: metaOf(baseline, { endEarly: 0 }),
    comparison: metaOf(comparison, { endEarly: 0 }),
  }
  const answer = diffToJson(diffTrees({ baseline, comparison }), meta)
  return diffToFrame({ answer, query: {}, refId: 'A' })
}

/** The frame of a data source that was deleted since. */
const withoutSource = (frame: DataFrame): DataFrame => {
  const { flametrail } = frame.meta!.custom!
  const query = { ...flametrail.query, datasource: { uid: 'gone' } }
  return { ...frame, meta: { ...frame.meta, custom: { flametrail: { ...flametrail, query } } } }
}

const fake = setFakeBackend((tree, over) => metaOf(tree, { endEarly: 0, ...over }))

/** Frames by name. */
const SERIES: Readonly<Record<string, () => DataFrame[]>> = {
  service: () => [flame(serviceTree())],
  changed: () => [flame(changedTree())],
  sample: () => [flame(serviceTree(), { sampleProfile: true })],
  iceberg: () => [flame(invertTree(serviceTree()), {}, true)],
  pruned: () => [pruned()],
  diff: () => [diff()],
  two: () => [flame(serviceTree()), flame(changedTree(), {}, false, 'B')],
  crowd: () => [flame(crowdTree(100_000))],
  asked: () => fake.frames({ queryType: 'profile' }),
  askedInverted: () => fake.frames({ queryType: 'profile', invert: true }),
  askedBoth: () => fake.frames({ queryType: 'both' }),
  askedDiff: () => fake.frames({ queryType: 'diff', baseline: {} }),
  askedTwo: () => [
    ...fake.frames({ queryType: 'profile' }),
    ...fake.frames({ queryType: 'profile', refId: 'B' }),
  ],
  askedElsewhere: () => fake.frames({ queryType: 'profile', labelSelector: '{host="node-3"}' }),
  askedLater: () =>
    fake.frames({ queryType: 'profile' }, { fromMs: QUARTER.fromMs + 10_000, toMs: QUARTER.toMs + 10_000 }),
  askedShorter: () => fake.frames({ queryType: 'profile' }, { ...QUARTER, toMs: QUARTER.toMs - 300_000 }),
  gone: () => fake.frames({ queryType: 'profile' }).map(withoutSource),
  nothing: () => [],
  empty: () => [flame(foldedTree(''))],
  metrics: () => [{ length: 0, fields: [{ name: 'time', values: [], config: {}, type: 'time' as never }] }],
}

export interface ShowInput {
  readonly panel: keyof typeof PANELS
  readonly series: keyof typeof SERIES
  readonly width: number
  readonly height: number
  readonly isDark: boolean
  readonly options?: Partial<GraphOptions>
  /** New data for the panel that stands there, as a refresh brings it. */
  readonly isRefresh?: boolean
}

declare global {
  interface Window {
    /** Resolves with the milliseconds from the call to the frame after it. */
    show(input: ShowInput): Promise<number>
    /** Keys that reached the page: what a panel stops, Grafana never sees. */
    leaked: string[]
    /** Whom the panels' strip asks. */
    fake: FakeBackend
  }
}

const root = createRoot(document.getElementById('root')!)
let shown = 0
window.leaked = []
window.fake = fake
window.addEventListener('keydown', (event) => window.leaked.push(event.key))

window.show = (input) => {
  const series = SERIES[input.series]!()
  const theme = createTheme({ colors: { mode: input.isDark ? 'dark' : 'light' } })
  document.body.style.background = theme.colors.background!.canvas!
  const Panel = PANELS[input.panel]
  const props = {
    data: { series, state: LoadingState.Done, timeRange: undefined },
    options: { ...DEFAULT_OPTIONS, ...input.options },
    width: input.width,
    height: input.height,
    timeZone: 'utc',
    eventBus: new EventBusSrv(),
  } as unknown as PanelProps<GraphOptions>
  const startedMs = performance.now()
  // The frame around a panel, as a dashboard draws it.
  const around = { background: theme.colors.background!.primary!, padding: 12, width: input.width + 24 }
  root.render(
    <React.StrictMode>
      <ThemeContext.Provider value={theme}>
        <div style={around}>
          <Panel key={input.isRefresh === true ? shown : ++shown} {...props} />
        </div>
      </ThemeContext.Provider>
    </React.StrictMode>,
  )
  return new Promise((resolve) =>
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - startedMs))),
  )
}
