// What the bench's page takes of @grafana/flamegraph 13.0.1. The package itself is installed where only the bundler looks.
declare module '@grafana/flamegraph' {
  import type { DataFrame, GrafanaTheme2 } from '@grafana/data'
  import type { ReactElement } from 'react'

  export function FlameGraph(props: {
    readonly data: DataFrame
    /** One function for all renders: a new one counts as a new theme. */
    readonly getTheme: () => GrafanaTheme2
    /** Without header, table and menu. */
    readonly showFlameGraphOnly?: boolean
    readonly disableCollapsing?: boolean
  }): ReactElement
}
