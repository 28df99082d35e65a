// How does a panel stay small until it is drawn? Its module holds the options alone; the drawing comes as one file that
// the three panels of a page share. Grafana loads a panel's module to list, suggest and migrate it, too.
import './public-path.ts'
import type { PanelProps } from '@grafana/data'
import React, { type ComponentType } from 'react'
import type { GraphOptions } from './options.ts'

type Panel = ComponentType<PanelProps<GraphOptions>>
type Drawing = typeof import('./drawing.ts')
type Loaded = { readonly drawing?: Drawing; readonly error?: Error }

// One promise for all panels of a module: the second one draws at once.
let loading: Promise<Drawing> | undefined
let loaded: Drawing | undefined
async function load(): Promise<Drawing> {
  loading ??= import(/* webpackChunkName: "drawing" */ './drawing.ts')
  try {
    loaded = await loading
    return loaded
  } catch (error) {
    loading = undefined // the next try asks again
    throw error
  }
}

/** A panel of `drawing.ts` that loads when it is drawn first, and says so if it cannot. */
export function lazyPanel(name: keyof Drawing): Panel {
  return function LazyPanel(props: PanelProps<GraphOptions>) {
    const [{ drawing, error }, setLoaded] = React.useState<Loaded>(() =>
      loaded === undefined ? {} : { drawing: loaded },
    )
    const [tries, setTries] = React.useState(1)
    React.useEffect(() => {
      if (loaded !== undefined) return setLoaded({ drawing: loaded })
      let isGone = false
      const tell = (next: Loaded) => {
        if (!isGone) setLoaded(next)
      }
      load().then(
        (found) => tell({ drawing: found }),
        (reason: Error) => tell({ error: reason }),
      )
      return () => {
        isGone = true
      }
    }, [tries])
    if (drawing !== undefined) return React.createElement(drawing[name], props)
    if (error === undefined) return <div style={{ height: props.height }} aria-busy="true" />
    const retry = () => {
      setLoaded({})
      setTries(tries + 1)
    }
    return (
      <div style={{ height: props.height, padding: 16, overflow: 'auto' }} role="alert">
        <p>
          A part of the plugin could not be loaded ({error.message}). If it stays so, the plugin's folder is
          not whole: install it again.
        </p>
        <button type="button" onClick={retry}>
          Try again
        </button>
      </div>
    )
  }
}
