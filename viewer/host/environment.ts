// What must stand on the page before the first module of @grafana is evaluated? Import this file first.
// Icons and fonts of @grafana/ui are fetched below `__grafana_public_path__`; without it they would be asked for under
// /public of the site's root.
interface HostWindow {
  __grafana_public_path__: string
  grafanaBootData: unknown
}

/** Address of the page's own folder, with a slash at its end: the viewer also works below a path of a proxy. */
export const pageUrl = new URL('.', document.baseURI).href

const host = window as unknown as HostWindow
host.__grafana_public_path__ = `${pageUrl}public/`
// @grafana/runtime looks for the settings that Grafana's own page carries.
host.grafanaBootData = { settings: {}, user: { locale: 'en-US', language: 'en-US' }, navTree: [] }
