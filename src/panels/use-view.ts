// Where does the view live? In the panel: options and a host's text are first values, and become its value again when
// they are changed from outside.
import { usePanelContext } from '@grafana/ui'
import React from 'react'
import type { ViewState } from '../flamegraph/view-state.ts'
import { parseView, printView } from '../flamegraph/view-text.ts'
import { firstView, type GraphOptions } from './options.ts'
import { ViewChangedEvent } from './view-event.ts'

/** The view, and a setter that also tells the panel's event bus what would have to stand in a link. */
export function useView(settings: GraphOptions, width: number) {
  const { show, orientation, colorBy, palette, view: given = '' } = settings
  const key = [show, orientation, colorBy, palette].join(' ')
  const first = firstView(settings, width)
  const { eventBus } = usePanelContext()
  const [state, setState] = React.useState(() => ({ key, given, told: given, view: parseView(given, first) }))
  let { view, told } = state
  if (state.key !== key || state.given !== given) {
    const { zoom, selected, search } = view
    if (state.key !== key) view = { ...first, zoom, selected, search }
    // A host that keeps what it was told gives it back: that is no change.
    if (state.given !== given && given !== told) view = parseView(given, first)
    told = printView(view, first).text
    setState({ key, given, told, view }) // while rendering: React starts over with it, nothing stale is painted
  }
  const change = (next: ViewState) => {
    const printed = printView(next, first)
    setState({ key, given, told: printed.text, view: next })
    if (printed.text !== told) eventBus.publish(new ViewChangedEvent(printed))
  }
  return [view, change] as const
}
