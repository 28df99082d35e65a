// How does a profile travel by mail? As one page that needs nothing else: it zooms and searches from a file, without a
// network. Its script is the bundle of `page/`; its data is JSON in an element that runs nothing; its policy lets this very
// script and style work, and nothing else in the world.
import type { CallTree, DiffTree } from '../tree/call-tree.ts'
import { type PageData, pageData } from './page-data.ts'
import { makePicture, type PictureOptions } from './picture.ts'
import { sha256Base64 } from './sha256.ts'
import { xmlText } from './xml-text.ts'

export interface HtmlOptions extends PictureOptions {
  /** Texts of build/html-page.js and build/html-page.css, which scripts/build-html-page.mjs makes. */
  readonly script: string
  readonly style: string
}

/** Writes a call tree, an iceberg (`isInverted`) or a diff as a self-contained page.
 *  out   at most framesMax frames, the others counted in words; names are text wherever they stand
 *  cost  O(nodes) to trim, then O(framesMax), and some 10 ms for the hashes
 *  throws  if framesMax is below 2, or if script or style hold what would end their element early */
export function treeHtml(tree: CallTree | DiffTree, options: HtmlOptions): string {
  const picture = makePicture(tree, options)
  const script = embeddable(options.script, 'script')
  const style = embeddable(options.style, 'style')
  const policy =
    `default-src 'none'; script-src 'sha256-${sha256Base64(script)}'; ` +
    `style-src 'sha256-${sha256Base64(style)}'; base-uri 'none'; form-action 'none'`
  const paragraph = (text: string, of: string) => `<p class="${of}">${xmlText(text)}</p>`
  const isEmpty = !(picture.model.drawn.total[0]! > 0)
  return `<!doctype html>
<html lang="en" data-theme="${options.theme === 'dark' ? 'dark' : 'light'}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${xmlText(picture.title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${xmlText(picture.title)}</h1>
${picture.subtitle.map((line) => paragraph(line, 'subtitle')).join('\n')}
<form id="tools" role="search">
<input id="search" type="search" aria-label="Search functions" placeholder="Search functions: alloc | free" maxlength="500" autocomplete="off" spellcheck="false">
<button id="reset" type="button">Reset zoom</button>
<output id="matches" for="search"></output>
</form>
<main id="graph">${isEmpty ? 'No samples.' : ''}</main>
<p id="details">&#160;</p>
<noscript><p>The graph is drawn by the script in this file; your browser runs none.</p></noscript>
${[picture.leftOut, picture.rule]
  .filter((text) => text !== '')
  .map((text) => paragraph(text, 'rule'))
  .join('\n')}
<script id="profile" type="application/json">${dataText(pageData(picture, options.orientation))}</script>
<script>${script}</script>
</body>
</html>
`
}

/** JSON in which nothing can end the element it stands in. */
const dataText = (data: PageData): string => JSON.stringify(data).replace(/</g, '\\u003c')

/** Refuses what an HTML parser would read otherwise than it is written: then its hash would not fit. */
function embeddable(text: string, element: 'script' | 'style'): string {
  const objection = new RegExp(`</${element}|<!--|[\\r\\0]`, 'i').exec(text)
  if (objection !== null)
    throw new Error(
      `the ${element} of the page holds ${JSON.stringify(objection[0])}, which HTML cannot embed`,
    )
  return text
}
