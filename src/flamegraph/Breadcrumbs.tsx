// Where in the tree are we, and how much of everything is that? Every crumb leads back to its frame.
import React from 'react'
import { cleanName, shorten } from '#profile/picture/clean-name'
import { type Format, percent } from '#profile/picture/format'
import type { GraphModel } from '#profile/picture/graph-model'
import type { Styles } from './styles.ts'

export interface BreadcrumbsProps {
  readonly model: GraphModel
  readonly zoom: number
  readonly onZoom: (node: number) => void
  readonly format: Format
  readonly styles: Styles
}

const SHOWN_LAST = 3 // more crumbs than these and the root do not fit a panel; the rest folds into one

export function Breadcrumbs({ model, zoom, onZoom, format, styles }: BreadcrumbsProps) {
  const nodes: number[] = []
  for (let node = zoom; node > 0; node = model.boxes.parent[node]!) nodes.push(node)
  nodes.reverse()
  const hidden = nodes.length - SHOWN_LAST - 1
  const shown = hidden > 0 ? nodes.slice(-SHOWN_LAST) : nodes
  const crumb = (node: number, text: string) => (
    <button
      key={node}
      type="button"
      className={styles.crumb}
      aria-current={node === zoom ? 'location' : undefined}
      title={text}
      onClick={() => onZoom(node)}
    >
      {shorten(text, 60)}
    </button>
  )
  const name = (node: number) => cleanName(model.frames.name[model.frame[node]!]!)
  return (
    <nav className={styles.crumbs} aria-label="Zoom" data-testid="flametrail-crumbs">
      {crumb(0, name(0))}
      {hidden > 0 && (
        <>
          <Arrow />
          {crumb(nodes[hidden - 1]!, `… ${hidden} frames`)}
        </>
      )}
      {shown.map((node) => (
        <React.Fragment key={node}>
          <Arrow />
          {crumb(node, name(node))}
        </React.Fragment>
      ))}
      <span className={styles.crumbRest}>{leftText(model, zoom, format)}</span>
    </nav>
  )
}

const Arrow = () => <span aria-hidden="true">›</span>

/** "34.2 % of 812 s CPU": what is left of everything at this zoom. */
function leftText(model: GraphModel, zoom: number, format: Format): string {
  const share = percent(model.boxes.width[zoom] ?? 0)
  if (model.diff !== undefined) return `${share} of both sides`
  const all = format(model.drawn.total[0] ?? 0)
  return zoom === 0 ? all : `${share} of ${all}`
}
