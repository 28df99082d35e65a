// What Grafana's own page carries, and @grafana/runtime looks for when it is evaluated: import this file first.
const host = window as unknown as { grafanaBootData: unknown }
host.grafanaBootData = { settings: { featureToggles: {} }, user: { locale: 'en-US' }, navTree: [] }
