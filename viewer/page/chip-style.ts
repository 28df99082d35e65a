// How does a chip look? A range or a file that stands in a line and can be taken away again.
import { css } from '@emotion/css'
import type { GrafanaTheme2 } from '@grafana/data'

/** One class for all chips of the page. */
export const chipStyle = (theme: GrafanaTheme2) =>
  css({
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    padding: theme.spacing(0, 1),
    lineHeight: '22px',
    borderRadius: theme.shape.radius.default,
    border: `1px solid ${theme.colors.border!.medium}`,
    fontVariantNumeric: 'tabular-nums',
    overflowWrap: 'anywhere',
  })
