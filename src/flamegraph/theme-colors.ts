// Grafana's types (12.4) call every colour of a theme optional, though createTheme fills all of them. Said once, here.
import type { GrafanaTheme2 } from '@grafana/data'

type Filled<T> = T extends string | number | boolean | ((...args: never[]) => unknown)
  ? T
  : { readonly [K in keyof T]-?: Filled<NonNullable<T[K]>> }

export type ThemeColors = Filled<GrafanaTheme2['colors']>

/** The colours of a theme, none of them missing. */
export const themeColors = (theme: GrafanaTheme2): ThemeColors => theme.colors as ThemeColors
