// Search and the few switches of the view. Everything here has a key too, see `keys.ts`.
import React from 'react'
import { ExportMenu } from './ExportMenu.tsx'
import type { Styles } from './styles.ts'
import { SEARCH_CHARACTERS_MAX, type Show, type ViewState } from './view-state.ts'

export interface ToolbarProps {
  readonly view: ViewState
  readonly onView: (next: ViewState) => void
  readonly isDiff: boolean
  readonly matchesText: string
  readonly onStep: (direction: 1 | -1) => void
  /** Enter in the search box. */
  readonly onFirstMatch: () => void
  readonly onLeaveSearch: () => void
  /** Forms the host can hand out; none: no menu. */
  readonly exportFormats: readonly string[]
  readonly onExport: (format: string) => void
  readonly onHelp: () => void
  readonly isHelpOpen: boolean
  readonly searchRef: React.RefObject<HTMLInputElement>
  readonly styles: Styles
}

export const Toolbar = React.memo(function Toolbar(props: ToolbarProps) {
  const { view, onView, isDiff, styles } = props
  return (
    <div className={styles.toolbar}>
      <SearchBox {...props} />
      <span className={styles.spring} />
      <Segments
        name="Show"
        value={view.show}
        options={SHOWS}
        onChange={(show) => onView({ ...view, show })}
        styles={styles}
      />
      <Segments
        name="Orientation"
        value={view.orientation}
        options={ORIENTATIONS}
        onChange={(orientation) => onView({ ...view, orientation })}
        styles={styles}
      />
      {isDiff ? (
        <Segments
          name="Colors"
          value={view.palette}
          options={DIFF_PALETTES}
          onChange={(palette) => onView({ ...view, palette })}
          styles={styles}
        />
      ) : (
        <Segments
          name="Color by"
          value={view.colorBy}
          options={COLORS}
          onChange={(colorBy) => onView({ ...view, colorBy })}
          styles={styles}
        />
      )}
      {props.exportFormats.length > 0 && (
        <ExportMenu formats={props.exportFormats} onExport={props.onExport} styles={styles} />
      )}
      <button
        type="button"
        className={styles.iconButton}
        aria-label="Keys"
        aria-expanded={props.isHelpOpen}
        title="Keys of the graph (?)"
        onClick={props.onHelp}
      >
        ?
      </button>
    </div>
  )
})

const SHOWS: readonly (readonly [Show, string])[] = [
  ['graph', 'Graph'],
  ['table', 'Table'],
  ['both', 'Both'],
]
const ORIENTATIONS = [
  ['flame', 'Flame'],
  ['icicle', 'Icicle'],
] as const
const COLORS = [
  ['package', 'Package'],
  ['function', 'Function'],
] as const
const DIFF_PALETTES = [
  ['default', 'Red/green'],
  ['colorBlind', 'Orange/blue'],
] as const

function SearchBox(props: ToolbarProps) {
  const { view, onView, styles, matchesText, onStep } = props
  const isSearching = view.search.trim() !== ''
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Enter' && !event.nativeEvent.isComposing) props.onFirstMatch()
    else if (event.key === 'Escape')
      view.search === '' ? props.onLeaveSearch() : onView({ ...view, search: '' })
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div className={styles.search}>
      <input
        ref={props.searchRef}
        type="search"
        // biome-ignore lint/a11y/noRedundantRoles: the role is a contract of this component, not a detail of HTML.
        role="searchbox"
        aria-label="Search functions"
        placeholder="Search functions: alloc | free"
        title="Part of a name; | for several; capitals count once you type one"
        maxLength={SEARCH_CHARACTERS_MAX}
        value={view.search}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onView({ ...view, search: event.currentTarget.value })}
        onKeyDown={onKeyDown}
      />
      <span className={styles.matches} data-testid="flametrail-matches" role="status">
        {matchesText}
      </span>
      {isSearching && (
        <>
          <button
            type="button"
            className={styles.iconButton}
            aria-label="Previous match"
            title="Previous match (N)"
            onClick={() => onStep(-1)}
          >
            ‹
          </button>
          <button
            type="button"
            className={styles.iconButton}
            aria-label="Next match"
            title="Next match (n)"
            onClick={() => onStep(1)}
          >
            ›
          </button>
          <button
            type="button"
            className={styles.iconButton}
            aria-label="Clear search"
            title="Clear search (Esc)"
            onClick={() => onView({ ...view, search: '' })}
          >
            ×
          </button>
        </>
      )}
    </div>
  )
}

interface SegmentsProps<T extends string> {
  readonly name: string
  readonly value: T
  readonly options: readonly (readonly [T, string])[]
  readonly onChange: (value: T) => void
  readonly styles: Styles
}

/** A few choices side by side, one of them pressed. */
function Segments<T extends string>({ name, value, options, onChange, styles }: SegmentsProps<T>) {
  return (
    <fieldset className={styles.segments} aria-label={name} style={{ margin: 0, padding: 0 }}>
      {options.map(([option, text]) => (
        <button
          key={option}
          type="button"
          className={styles.segment}
          aria-pressed={option === value}
          onClick={() => onChange(option)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  )
}
