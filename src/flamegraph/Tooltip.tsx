// What lies under the pointer? Name, place, numbers. All names are foreign text: React writes them as text.
import React from 'react'
import { createPortal } from 'react-dom'
import { cleanName, shorten } from '#profile/picture/clean-name'
import { nodeFacts, nodeName } from '#profile/picture/describe'
import { type Format, grouped, percent } from '#profile/picture/format'
import type { GraphModel } from '#profile/picture/graph-model'
import type { Hit } from './hit-test.ts'
import type { Styles } from './styles.ts'

export interface TooltipProps {
  readonly model: GraphModel
  readonly hit: Hit
  readonly zoom: number
  /** Of the pointer, in the page's window. */
  readonly clientX: number
  readonly clientY: number
  readonly format: Format
  readonly styles: Styles
}

const CSS_GAP = 14
const CSS_WIDTH_MAX = 520
const CSS_HEIGHT_EXPECTED = 150

export const Tooltip = React.memo(function Tooltip(props: TooltipProps) {
  const { model, hit, zoom, clientX, clientY, format, styles } = props
  // It flips to the other side of the pointer where it would leave the window.
  const style: React.CSSProperties = {}
  if (clientX + CSS_GAP + CSS_WIDTH_MAX > window.innerWidth && clientX > window.innerWidth / 2)
    style.right = Math.max(0, window.innerWidth - clientX + CSS_GAP)
  else style.left = clientX + CSS_GAP
  if (clientY + CSS_GAP + CSS_HEIGHT_EXPECTED > window.innerHeight)
    style.bottom = Math.max(0, window.innerHeight - clientY + CSS_GAP)
  else style.top = clientY + CSS_GAP
  return createPortal(
    <div className={styles.tooltip} style={style} role="tooltip" data-testid="flametrail-tooltip">
      {hit.kind === 'run' ? (
        <div>
          {grouped(hit.nodes)} {hit.nodes === 1 ? 'frame' : 'frames'} under 1 px, {percent(hit.unitWidth)}.
          Click to zoom in.
        </div>
      ) : (
        <NodeTooltip model={model} node={hit.node} zoom={zoom} format={format} styles={styles} />
      )}
    </div>,
    document.body,
  )
})

interface NodeTooltipProps {
  readonly model: GraphModel
  readonly node: number
  readonly zoom: number
  readonly format: Format
  readonly styles: Styles
}

function NodeTooltip({ model, node, zoom, format, styles }: NodeTooltipProps) {
  const frame = model.frame[node]!
  const { file, mapping, kind } = model.frames
  const where = [file[frame]!, mapping[frame]!, kind[frame]!].filter((word) => word !== '').map(cleanName)
  return (
    <>
      <div className={styles.tooltipName}>{shorten(nodeName(model, node), 400)}</div>
      {where.length > 0 && <div className={styles.tooltipWhere}>{shorten(where.join('  ·  '), 300)}</div>}
      <table>
        <tbody>
          {nodeFacts(model, node, zoom, format).map((fact) => (
            <tr key={fact.what}>
              <td>{fact.what}</td>
              {fact.values.map((value, i) => (
                <td key={i}>{value}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
