// The page with Grafana's own flame graph that the bench drives. It imports nothing of ours but the tree, and is bundled with
// the libraries of grafana-flamegraph/.
import { createTheme, type DataFrame, type Field, type FieldConfig, FieldType } from '@grafana/data'
import { FlameGraph } from '@grafana/flamegraph'
import React from 'react'
import { flushSync } from 'react-dom'
import { createRoot, type Root } from 'react-dom/client'
import type { CallTree } from '#profile/tree/call-tree'
import { frameShown } from './flamegraph-contract.ts'
import { heavyPath, type Place, placeOf } from './flamegraph-path.ts'
import { hotTree } from './tree.ts'

const DRAW_MS_MAX = 60_000 // a component that draws nothing must not hold up the bench for ever
const ROW_PX = 22

interface GrafanaPage {
  /** Header and table too, which is what brings the menu. */
  showWhole(): void
  /** A point of the page inside the box to zoom to, which is then on screen. */
  target(): { readonly x: number; readonly y: number }
}
declare global {
  interface Window {
    grafana: GrafanaPage
  }
}

let tree: CallTree = hotTree(1)
let place: Place = placeOf(tree, 0)
let frame: DataFrame = frameOf(tree)
let root: Root | undefined

const THEME = createTheme({ colors: { mode: 'dark' } })
const themeOf = () => THEME
const boxOf = () => document.getElementById('root')!

window.bench = {
  make(nodes) {
    tree = hotTree(nodes)
    place = placeOf(tree, heavyPath(tree).at(-1)!)
  },
  async draw(component) {
    if (component !== 'grafana-flamegraph') throw new Error(`this page has no ${component}`)
    frame = frameOf(tree) // a new object is new data
    await frameShown()
    const startedMs = performance.now()
    const filled = canvasFilled()
    root = createRoot(boxOf())
    show({ isGraphOnly: true })
    await filled
    await frameShown()
    return performance.now() - startedMs
  },
  base() {
    boxOf().scrollTop = 0
    return { y: canvas().getBoundingClientRect().top, toRows: 1 }
  },
  remove() {
    root?.unmount()
    root = undefined
  },
}

window.grafana = {
  showWhole: () => show({ isGraphOnly: false }),
  target() {
    const box = boxOf()
    const middle = (place.row + 0.5) * ROW_PX
    box.scrollTop = 0
    box.scrollTop = canvas().getBoundingClientRect().top + middle - box.clientHeight / 2
    const { left, top, width } = canvas().getBoundingClientRect()
    return { x: left + (width * (place.left + place.right)) / 2, y: top + middle }
  },
}

const canvas = () => boxOf().querySelector<HTMLCanvasElement>('canvas[data-testid=flameGraph]')!

function show({ isGraphOnly }: { readonly isGraphOnly: boolean }): void {
  flushSync(() =>
    root!.render(
      // Groups of boxes stay open: the others draw every box too.
      <FlameGraph data={frame} getTheme={themeOf} showFlameGraphOnly={isGraphOnly} disableCollapsing />,
    ),
  )
}

/** Resolves when the component has filled its canvas. It learns its width from an observer and draws some renders later; its
 *  last call fills one path with all boxes that are too narrow for a colour of their own. */
function canvasFilled(): Promise<void> {
  const kind = CanvasRenderingContext2D.prototype
  const { fill } = kind
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(new Error(`no picture after ${DRAW_MS_MAX} ms; does @grafana/flamegraph draw otherwise now?`)),
      DRAW_MS_MAX,
    )
    kind.fill = function (this: CanvasRenderingContext2D, ...words: unknown[]) {
      Reflect.apply(fill, this, words)
      if (!(words[0] instanceof Path2D) || this.canvas.width === 0) return
      clearTimeout(timer)
      resolve()
    }
  }).finally(() => {
    kind.fill = fill
  })
}

/** The frame that Grafana passes to it: a nested set in typed arrays. O(names) */
function frameOf({ depth, total, self, frame: label, frames }: CallTree): DataFrame {
  const field = (
    name: string,
    type: FieldType,
    values: ArrayLike<number>,
    config: FieldConfig = {},
  ): Field => ({
    name,
    type,
    config,
    values: values as number[],
  })
  const fields = [
    field('level', FieldType.number, depth),
    field('value', FieldType.number, total, { unit: 'ns' }),
    field('self', FieldType.number, self, { unit: 'ns' }),
    field('label', FieldType.enum, label, { type: { enum: { text: [...frames.name] } } }),
  ]
  return { name: 'response', fields, length: depth.length }
}
