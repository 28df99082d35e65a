// How does a panel hand out a page that needs no Grafana? With the page's own script and style inside, which are as large
// as the drawing itself: this file is loaded when the reader asks for a page, not before.

import { treeHtml } from '#profile/picture/html'
import type { PictureOptions } from '#profile/picture/picture'
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import style from '../../build/html-page.css?raw'
import script from '../../build/html-page.js?raw'

/** The page as text.    throws  as treeHtml does */
export const htmlText = (tree: CallTree | DiffTree, options: PictureOptions): string =>
  treeHtml(tree, { ...options, script, style })
