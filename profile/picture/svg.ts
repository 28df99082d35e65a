// How does a tree look on paper? An SVG for browsers, editors and printers: plain shapes and text, no script, nothing to
// fetch; every box says in its title what it is. Names come from strangers and are escaped as text.
import { type CallTree, type DiffTree, FOLDED_NAME } from '../tree/call-tree.ts'
import { shorten } from './clean-name.ts'
import { describeNode, presence } from './describe.ts'
import { breakLines, fitText } from './fit-text.ts'
import type { GraphModel } from './graph-model.ts'
import { boxLabel } from './label.ts'
import { makePicture, type Picture, type PictureOptions } from './picture.ts'
import { xmlText } from './xml-text.ts'

export interface SvgOptions extends PictureOptions {
  readonly widthPx?: number | undefined
}

const WIDTH_PX = 1_200
const MARGIN_PX = 10
const ROW_PX = 18
const LINE_PX = 17
const LABEL_PADDING_PX = 4
const COLUMN_PX = 7.3 // a letter of 12 px in the widest of the usual monospace fonts
const LETTER_PX = 6.6 // the same for running text
const BOX_TITLE_CHARACTERS_MAX = 600 // a name of 10 kB in each of 1,000 boxes would be 10 MB

const PAGE = {
  light: { background: '#ffffff', text: '#22252b', faint: '#5a606b', edge: '#22252b' },
  dark: { background: '#181b1f', text: '#e3e5ea', faint: '#a3a9b5', edge: '#f7f8fa' },
} as const

/** Draws a call tree, an iceberg (`isInverted`) or a diff as an SVG document.
 *  out   well-formed XML, about 250 bytes a box; a tree without samples says so in words
 *  cost  O(nodes) to trim, then O(framesMax).  throws if framesMax is below 2 */
export function treeSvg(tree: CallTree | DiffTree, options: SvgOptions): string {
  const picture = makePicture(tree, options)
  const { model } = picture
  const width = Math.max(100, Math.round(options.widthPx ?? WIDTH_PX))
  const colors = PAGE[options.theme ?? 'light']
  const letters = Math.floor((width - 2 * MARGIN_PX) / LETTER_PX)
  const heading = picture.subtitle.flatMap((line) => breakLines(line, letters))
  const footing = [picture.leftOut, picture.rule].flatMap((line) => breakLines(line, letters))
  const levels = model.boxes.levelStart.length - 1
  const top = MARGIN_PX + 22 + heading.length * LINE_PX + 8
  const bottom = top + levels * ROW_PX
  const height = bottom + 8 + footing.length * LINE_PX + MARGIN_PX
  const isEmpty = !(model.drawn.total[0]! > 0)

  const line = (text: string, y: number) =>
    `<text x="${MARGIN_PX}" y="${y}" fill="${colors.faint}">${xmlText(text)}</text>`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      'role="img" font-family="Inter, Helvetica, Arial, sans-serif" font-size="12">',
    `<title>${xmlText(picture.title)}</title>`,
    `<desc>${xmlText([...picture.subtitle, picture.leftOut].join(' '))}</desc>`,
    `<defs><pattern id="folded" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
      `<path d="M0 0V6" stroke="${colors.edge}" stroke-opacity="0.35" stroke-width="2"/></pattern></defs>`,
    `<rect width="${width}" height="${height}" fill="${colors.background}"/>`,
    `<text x="${MARGIN_PX}" y="${MARGIN_PX + 15}" font-size="16" font-weight="bold" fill="${colors.text}">` +
      `${xmlText(fitText(picture.title, Math.floor((width - 2 * MARGIN_PX) / 9)))}</text>`,
    ...heading.map((text, i) => line(text, MARGIN_PX + 22 + (i + 1) * LINE_PX - 4)),
    '<g font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace">',
    ...(isEmpty
      ? [line('No samples.', top + 13)]
      : boxesOf(picture, {
          left: MARGIN_PX,
          width: width - 2 * MARGIN_PX,
          topOf: (level) => top + (options.orientation === 'flame' ? levels - 1 - level : level) * ROW_PX,
          edgeColor: colors.edge,
        })),
    '</g>',
    ...footing.map((text, i) => line(text, bottom + 8 + (i + 1) * LINE_PX - 4)),
    '</svg>',
    '',
  ].join('\n')
}

interface Place {
  readonly left: number
  readonly width: number
  readonly topOf: (level: number) => number
  readonly edgeColor: string
}

/** One group a box: title, fill, edge or hatching, label. */
function boxesOf({ model, coloring, format }: Picture, place: Place): string[] {
  const { boxes, depth } = model
  const lines: string[] = []
  for (let node = 0; node < depth.length; node++) {
    const wide = boxes.width[node]! * place.width
    if (!(wide > 0)) continue
    const x = pixels(place.left + boxes.start[node]! * place.width)
    const y = place.topOf(depth[node]!)
    const width = pixels(wide > 2 ? wide - 1 : wide) // a gap sets neighbours apart where there is room for it
    const style = coloring.styles[coloring.styleOfNode(node)]!
    const size = `x="${x}" y="${y}" width="${width}" height="${ROW_PX - 1}"`
    const label = fitText(boxLabel(model, node), Math.floor((wide - 2 * LABEL_PADDING_PX) / COLUMN_PX))
    const text =
      label === ''
        ? ''
        : `<text x="${pixels(x + LABEL_PADDING_PX)}" y="${y + 13}" fill="${style.text}">${xmlText(label)}</text>`
    lines.push(
      `<g><title>${xmlText(shorten(describeNode(model, node, format), BOX_TITLE_CHARACTERS_MAX))}</title>` +
        `<rect ${size} fill="${style.fill}"/>${edgeOf(model, node, size, place.edgeColor)}${text}</g>`,
    )
  }
  return lines
}

function edgeOf(model: GraphModel, node: number, size: string, color: string): string {
  if (model.frames.name[model.frame[node]!] === FOLDED_NAME && (model.drawn.folded?.[node] ?? 0) > 0)
    return `<rect ${size} fill="url(#folded)"/>`
  const edge = presence(model, node)
  if (edge === undefined) return ''
  const dashes = edge === 'gone' ? ' stroke-dasharray="4 3"' : ' stroke-width="2"'
  return `<rect ${size} fill="none" stroke="${color}"${dashes}/>`
}

const pixels = (value: number): number => Math.round(value * 100) / 100
