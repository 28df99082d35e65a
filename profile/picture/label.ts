// What stands on a box in a file? The name; in a diff its mark before it, so that a label cut on the right keeps it.
import { shorten } from './clean-name.ts'
import { barSign, nodeName } from './describe.ts'
import type { GraphModel } from './graph-model.ts'

const NAME_CHARACTERS_MAX = 400 // no bar is wider than that

/** "serveHTTP", in a diff "▲ serveHTTP +4.2 pt". */
export function boxLabel(model: GraphModel, node: number): string {
  const sign = barSign(model, node)
  const name = shorten(nodeName(model, node), NAME_CHARACTERS_MAX)
  return sign === '' ? name : `${sign[0]} ${name} ${sign.slice(2)}`
}
