// How does the strip look? Grafana's own spacing and colours.
import { css } from '@emotion/css'
import type { GrafanaTheme2 } from '@grafana/data'
import { themeColors } from '../../flamegraph/theme-colors.ts'
import type { MarkKind } from './brush.ts'

export const CSS_PLOT_HEIGHT = 60
export const CSS_BAND_HEIGHT = 15 // words above the curve
export const CSS_LINE_HEIGHT = 22 // words below the plot
const CSS_ERROR_LINE = 17
const CSS_LETTER = 6.5 // of a sentence, on average

/** Room for an error: a line, or two where it is longer. */
export const cssErrorHeight = (sentence: string, cssWidth: number): number =>
  sentence.length * CSS_LETTER <= cssWidth ? CSS_ERROR_LINE : 2 * CSS_ERROR_LINE

/** The colour of a range, in the chart and in its words. */
export const markColor = (theme: GrafanaTheme2, kind: MarkKind): string =>
  ({ graph: themeColors(theme).primary.main, baseline: '#5e9bd1', comparison: '#e66101' })[kind]

/** Class names for a theme; make them once per theme. */
export function stripStyles(theme: GrafanaTheme2) {
  const { spacing, shape, typography } = theme
  const colors = themeColors(theme)
  const focusRing = { outline: `2px solid ${colors.primary.main}`, outlineOffset: '-1px' }
  const small = { fontSize: 11, lineHeight: `${CSS_BAND_HEIGHT}px`, color: colors.text.secondary }
  return {
    strip: css({
      label: 'flametrail-strip',
      flex: 'none',
      color: colors.text.primary,
      fontFamily: typography.fontFamily,
      fontSize: typography.bodySmall.fontSize,
      fontVariantNumeric: 'tabular-nums',
    }),
    plot: css({
      position: 'relative',
      height: CSS_PLOT_HEIGHT,
      overflow: 'hidden',
      cursor: 'crosshair',
      touchAction: 'pan-y',
      userSelect: 'none',
      borderRadius: shape.radius.default,
    }),
    canvas: css({ position: 'absolute', inset: 0, width: '100%', height: '100%' }),
    band: css({
      ...small,
      position: 'absolute',
      top: 0,
      left: 0,
      right: 0,
      zIndex: 2, // read over a mark, too
      display: 'flex',
      justifyContent: 'space-between',
      gap: spacing(1),
      padding: spacing(0, 0.5),
      pointerEvents: 'none',
      whiteSpace: 'nowrap',
      overflow: 'hidden',
      '& span': { overflow: 'hidden', textOverflow: 'ellipsis' },
    }),
    middle: css({
      position: 'absolute',
      inset: `${CSS_BAND_HEIGHT}px 0 0`,
      display: 'flex',
      alignItems: 'center',
      justifyContent: 'center',
      overflow: 'hidden',
      padding: spacing(0, 1),
      textAlign: 'center',
      color: colors.text.secondary,
      pointerEvents: 'none',
    }),
    stroke: css({
      position: 'absolute',
      top: 0,
      bottom: 0,
      opacity: 0.3,
      pointerEvents: 'none',
    }),
    cursor: css({
      position: 'absolute',
      top: CSS_BAND_HEIGHT,
      bottom: 0,
      width: 1,
      background: colors.text.secondary,
      pointerEvents: 'none',
    }),
    line: css({
      display: 'flex',
      alignItems: 'center',
      gap: spacing(0.75),
      height: CSS_LINE_HEIGHT,
      overflow: 'hidden',
      whiteSpace: 'nowrap',
      color: colors.text.secondary,
    }),
    hint: css({ flex: '0 1000 auto', minWidth: 0, overflow: 'hidden', textOverflow: 'ellipsis' }),
    words: css({ minWidth: 0, overflow: 'hidden', textOverflow: 'ellipsis' }),
    chip: css({
      display: 'inline-flex',
      alignItems: 'center',
      gap: spacing(0.5),
      flex: '0 1 auto',
      minWidth: 0,
      height: 20,
      padding: spacing(0, 0.25, 0, 0.75),
      border: `1px solid ${colors.border.medium}`,
      borderRadius: shape.radius.default,
      color: colors.text.primary,
      overflow: 'hidden',
    }),
    dot: css({ flex: 'none', width: 9, height: 9, borderRadius: 2 }),
    clear: css({
      flex: 'none',
      width: 18,
      height: 18,
      padding: 0,
      border: 'none',
      borderRadius: shape.radius.default,
      background: 'transparent',
      color: colors.text.secondary,
      font: 'inherit',
      lineHeight: 1,
      cursor: 'pointer',
      '&:hover': { background: colors.action.hover, color: colors.text.primary },
      '&:focus-visible': focusRing,
    }),
    spring: css({ flex: '1 1 0', minWidth: 0 }),
    begin: css({
      flex: 'none',
      height: 20,
      padding: spacing(0, 0.75),
      border: `1px solid ${colors.border.weak}`,
      borderRadius: shape.radius.default,
      background: 'transparent',
      color: colors.text.secondary,
      font: 'inherit',
      cursor: 'pointer',
      '&:hover': { background: colors.action.hover, color: colors.text.primary },
      '&:focus-visible': focusRing,
    }),
    error: css({
      lineHeight: `${CSS_ERROR_LINE}px`,
      overflow: 'hidden',
      overflowWrap: 'anywhere',
      color: colors.error.text,
    }),
    sentence: css({
      flex: 'none',
      height: CSS_LINE_HEIGHT,
      lineHeight: `${CSS_LINE_HEIGHT}px`,
      overflow: 'hidden',
      textOverflow: 'ellipsis',
      whiteSpace: 'nowrap',
      color: colors.text.secondary,
      fontFamily: typography.fontFamily,
      fontSize: typography.bodySmall.fontSize,
    }),
    panel: css({ display: 'flex', flexDirection: 'column' }),
    // The answer before stays, greyed once the next one takes its time.
    waiting: css({ opacity: 0.5, transition: 'opacity 0s linear 200ms' }),
  }
}
export type StripStyles = ReturnType<typeof stripStyles>
