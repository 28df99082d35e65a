// The viewer's start: services, the plugin's bundles, then the page.
import './host/environment.ts'
import { createTheme, type PanelPlugin, PluginType, ThemeContext } from '@grafana/data'
import { config } from '@grafana/runtime'
import { Alert, GlobalStyles, PortalContainer } from '@grafana/ui'
import React, { useEffect, useMemo, useState } from 'react'
import { createRoot } from 'react-dom/client'
import type { ProfileDataSource } from '../src/datasource/datasource.ts'
import { createBackendSrv } from './host/backend-srv.ts'
import { pageUrl } from './host/environment.ts'
import { loadPlugin, shareModules } from './host/load-plugin.ts'
import { metaOf, type ProfilePlugin, setDataSource, setServices } from './host/services.ts'
import { Page } from './page/Page.tsx'
import { PANELS } from './page/queries.ts'
import { login } from './page/session.ts'
import { type PageState, parseUrl, printUrl } from './page/url-state.ts'
import './viewer.css'

const preferredTheme = () => (window.matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark')

interface Plugin {
  readonly dataSource: ProfileDataSource
  readonly panels: Readonly<Record<PageState['view'], PanelPlugin>>
}

async function loadAll(): Promise<Plugin> {
  const loadPanel = async (view: PageState['view']) => {
    const { id, folder, title } = PANELS[view]
    const panel = await loadPlugin<PanelPlugin>(folder)
    panel.meta = { ...metaOf(id, title, PluginType.panel), sort: 0 } as PanelPlugin['meta']
    return panel
  }
  const [source, flame, iceberg, diff] = await Promise.all([
    loadPlugin<ProfilePlugin>('datasource'),
    loadPanel('flame'),
    loadPanel('iceberg'),
    loadPanel('diff'),
  ])
  return { dataSource: setDataSource(source), panels: { flame, iceberg, diff } }
}

function Viewer({
  plugin,
  unauthenticated,
}: {
  readonly plugin: Plugin
  readonly unauthenticated: EventTarget
}) {
  const [state, setState] = useState(() => parseUrl(window.location.search, Date.now()))
  const [isLoginAsked, setLoginAsked] = useState(false)
  const mode = state.theme ?? preferredTheme()
  const theme = useMemo(() => createTheme({ colors: { mode } }), [mode])
  config.theme2 = theme
  useEffect(() => {
    const ask = () => setLoginAsked(true)
    const back = () => setState(parseUrl(window.location.search, Date.now()))
    unauthenticated.addEventListener('ask', ask)
    window.addEventListener('popstate', back)
    return () => {
      unauthenticated.removeEventListener('ask', ask)
      window.removeEventListener('popstate', back)
    }
  }, [unauthenticated])
  const change = (next: PageState, isFine = false) => {
    const url = printUrl(next) || window.location.pathname
    // A step back is worth having after a change of what is shown, not of how it looks.
    const shown = (of: PageState) => printUrl({ ...of, theme: 'dark', picture: '' })
    const isLooks = shown(next) === shown(state)
    if (isLooks || isFine) window.history.replaceState(null, '', url)
    else window.history.pushState(null, '', url)
    setState(next)
  }
  const enter = async (token: string) => {
    const refusal = await login(token)
    if (refusal === undefined) setLoginAsked(false)
    return refusal
  }
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Page {...plugin} state={state} onState={change} onToken={isLoginAsked ? enter : undefined} />
      <PortalContainer />
    </ThemeContext.Provider>
  )
}

function Broken({ error }: { readonly error: Error }) {
  return (
    <ThemeContext.Provider value={createTheme({ colors: { mode: preferredTheme() } })}>
      <GlobalStyles />
      <Alert severity="error" title="The viewer could not start">
        {error.message}
      </Alert>
    </ThemeContext.Provider>
  )
}

const root = createRoot(document.getElementById('root')!)
try {
  const unauthenticated = new EventTarget()
  const onUnauthenticated = () => unauthenticated.dispatchEvent(new Event('ask'))
  await setServices(createBackendSrv({ baseUrl: pageUrl, onUnauthenticated }))
  shareModules()
  root.render(<Viewer plugin={await loadAll()} unauthenticated={unauthenticated} />)
} catch (error) {
  root.render(<Broken error={error as Error} />)
}
