// One line for a selector: completion of names, operators and values, and a wavy line under the place of an error.

import { css, cx } from '@emotion/css'
import type { GrafanaTheme2 } from '@grafana/data'
import { useStyles2 } from '@grafana/ui'
import React, {
  type KeyboardEvent,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { parseSelector } from '#profile/labels/selector'
import type { Suggestion } from './suggestions.ts'

export interface SelectorInputProps {
  readonly value: string
  readonly label: string
  readonly placeholder?: string
  /** Refusal of the backend that names a place in this selector. */
  readonly refusal?: { readonly message: string; readonly position?: number } | undefined
  /** Called with the whole text when it is meant: Enter, a chosen suggestion, or leaving the field. */
  readonly onCommit: (text: string) => void
  readonly suggest: (text: string, cursor: number) => Promise<readonly Suggestion[]>
}

/** Typing goes on for this long before the backend is asked. */
const PAUSE_MS = 120

export function SelectorInput(props: SelectorInputProps) {
  const { value, label, placeholder, refusal, onCommit, suggest } = props
  const styles = useStyles2(stylesOf)
  const [text, setText] = useState(value)
  const [scrollLeftCss, setScrollLeft] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const cursorToBe = useRef<number>()
  const id = useId()
  useEffect(() => setText(value), [value])
  // A text set from here would leave the cursor at its end.
  useLayoutEffect(() => {
    const cursor = cursorToBe.current
    if (cursor !== undefined) input.current?.setSelectionRange(cursor, cursor)
    cursorToBe.current = undefined
  })
  const fault = useMemo(() => faultOf(text, text === value ? refusal : undefined), [text, value, refusal])
  const list = useSuggestions(suggest)

  const commit = (next: string) => {
    list.close()
    if (next !== value) onCommit(next)
  }
  const choose = (suggestion: Suggestion) => {
    const next = text.slice(0, suggestion.from) + suggestion.insert + text.slice(suggestion.to)
    const cursor = suggestion.from + suggestion.insert.length
    setText(next)
    list.ask(next, cursor)
    cursorToBe.current = cursor
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (list.items.length > 0 && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault()
      list.move(event.key === 'ArrowDown' ? 1 : -1)
    } else if (event.key === 'Escape' && list.items.length > 0) {
      event.stopPropagation()
      list.close()
    } else if (event.key === 'Enter' || (event.key === 'Tab' && list.current !== undefined)) {
      event.preventDefault()
      if (list.current !== undefined) choose(list.current)
      else commit(text)
    }
  }
  return (
    <div className={styles.root}>
      <div className={cx(styles.field, fault !== undefined && styles.invalid)}>
        <div className={styles.mirror} aria-hidden style={{ transform: `translateX(${-scrollLeftCss}px)` }}>
          {fault?.position === undefined ? null : (
            <Underlined text={text} position={fault.position} className={styles.wavy} />
          )}
        </div>
        <input
          ref={input}
          className={styles.input}
          role="combobox"
          aria-label={label}
          aria-expanded={list.items.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={list.current === undefined ? undefined : `${id}-${list.index}`}
          aria-invalid={fault !== undefined}
          aria-describedby={fault === undefined ? undefined : `${id}-fault`}
          autoComplete="off"
          spellCheck={false}
          placeholder={placeholder}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value)
            list.ask(
              event.currentTarget.value,
              event.currentTarget.selectionStart ?? event.currentTarget.value.length,
            )
          }}
          onClick={(event) => list.ask(text, event.currentTarget.selectionStart ?? text.length)}
          onScroll={(event) => setScrollLeft(event.currentTarget.scrollLeft)}
          onKeyDown={onKeyDown}
          onBlur={() => commit(text)}
        />
      </div>
      {list.items.length === 0 ? null : (
        <div className={styles.list} role="listbox" id={`${id}-list`} aria-label={`Suggestions for ${label}`}>
          {list.items.map((item, i) => (
            <Option
              key={item.label}
              id={`${id}-${i}`}
              item={item}
              isCurrent={i === list.index}
              onChoose={() => choose(item)}
            />
          ))}
        </div>
      )}
      {fault === undefined || list.items.length > 0 ? null : (
        <div id={`${id}-fault`} className={styles.fault} role="alert">
          {fault.message}
        </div>
      )}
    </div>
  )
}

/** What is wrong with the text: the grammar's word first, then the backend's. */
function faultOf(text: string, refusal: SelectorInputProps['refusal']): SelectorInputProps['refusal'] {
  // A variable of a dashboard stands for text that is not known here: only the backend can judge.
  if (text.includes('$')) return refusal
  const parsed = parseSelector(text)
  return parsed.ok ? refusal : parsed.error
}

function Underlined(props: { readonly text: string; readonly position: number; readonly className: string }) {
  const { text, position, className } = props
  const start = Math.min(position, text.length)
  return (
    <>
      {text.slice(0, start)}
      <span className={className}>{text.slice(start, start + 1) || '\u00a0'}</span>
    </>
  )
}

function Option(props: {
  readonly id: string
  readonly item: Suggestion
  readonly isCurrent: boolean
  readonly onChoose: () => void
}) {
  const { id, item, isCurrent, onChoose } = props
  const styles = useStyles2(stylesOf)
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (isCurrent) element.current?.scrollIntoView({ block: 'nearest' })
  }, [isCurrent])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of a combobox's options belong to its input
    <div
      ref={element}
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isCurrent}
      className={cx(styles.option, isCurrent && styles.current)}
      // A click takes the focus from the input, and leaving the input commits: not here.
      onMouseDown={(event) => event.preventDefault()}
      onClick={onChoose}
    >
      <span>{item.label}</span>
      {item.series === undefined ? null : <span className={styles.series}>{item.series} series</span>}
    </div>
  )
}

interface SuggestionList {
  readonly items: readonly Suggestion[]
  readonly index: number
  readonly current: Suggestion | undefined
  readonly ask: (text: string, cursor: number) => void
  readonly move: (step: 1 | -1) => void
  readonly close: () => void
}

/** The open list: asks after a pause, keeps only the answer to the last question. */
function useSuggestions(suggest: SelectorInputProps['suggest']): SuggestionList {
  const [items, setItems] = useState<readonly Suggestion[]>([])
  const [index, setIndex] = useState(-1)
  const question = useRef(0)
  const timer = useRef<ReturnType<typeof setTimeout>>()
  const close = () => {
    question.current++
    clearTimeout(timer.current)
    setItems([])
    setIndex(-1)
  }
  useEffect(() => () => clearTimeout(timer.current), [])
  const ask = (text: string, cursor: number) => {
    const mine = ++question.current
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      suggest(text, cursor).then(
        (found) => {
          if (mine !== question.current) return
          setItems(found)
          setIndex(-1)
        },
        // No suggestions is all that a failure means here: the query itself will say why.
        () => mine === question.current && setItems([]),
      )
    }, PAUSE_MS)
  }
  const move = (step: 1 | -1) => setIndex((last) => (last + step + items.length) % Math.max(1, items.length))
  return { items, index, current: items[index], ask, move, close }
}

const stylesOf = (theme: GrafanaTheme2) => {
  const text = {
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: theme.typography.bodySmall.fontSize,
    fontWeight: theme.typography.fontWeightRegular,
    lineHeight: '30px',
    padding: theme.spacing(0, 1),
    whiteSpace: 'pre',
  } as const
  return {
    root: css({ position: 'relative', flex: '1 1 320px', minWidth: 220 }),
    field: css({
      position: 'relative',
      height: 32,
      overflow: 'hidden',
      background: theme.components.input.background,
      border: `1px solid ${theme.components.input.borderColor}`,
      borderRadius: theme.shape.radius.default,
      '&:focus-within': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: 1 },
    }),
    invalid: css({ borderColor: theme.colors.error.border }),
    // The same text in the same place as the input's, invisible but for the line under it.
    mirror: css({ ...text, position: 'absolute', inset: 0, color: 'transparent', pointerEvents: 'none' }),
    wavy: css({
      textDecoration: `underline wavy ${theme.colors.error.text}`,
      textUnderlineOffset: 3,
    }),
    input: css({
      ...text,
      position: 'relative',
      width: '100%',
      height: 30,
      border: 0,
      outline: 'none',
      background: 'transparent',
      color: theme.components.input.text,
      '&::placeholder': { color: theme.colors.text!.disabled, opacity: 1 },
    }),
    list: css({
      position: 'absolute',
      zIndex: theme.zIndex.dropdown,
      top: 34,
      left: 0,
      minWidth: 260,
      maxWidth: '100%',
      maxHeight: 280,
      overflowY: 'auto',
      padding: theme.spacing(0.5),
      background: theme.colors.background!.elevated ?? theme.colors.background!.primary,
      border: `1px solid ${theme.colors.border!.weak}`,
      borderRadius: theme.shape.radius.default,
      boxShadow: theme.shadows.z3,
    }),
    option: css({
      display: 'flex',
      justifyContent: 'space-between',
      gap: theme.spacing(2),
      padding: theme.spacing(0.5, 1),
      borderRadius: theme.shape.radius.default,
      fontFamily: theme.typography.fontFamilyMonospace,
      fontSize: theme.typography.bodySmall.fontSize,
      cursor: 'pointer',
      '&:hover': { background: theme.colors.action!.hover },
    }),
    current: css({ background: theme.colors.action!.focus }),
    series: css({ color: theme.colors.text!.secondary, whiteSpace: 'nowrap' }),
    fault: css({
      marginTop: theme.spacing(0.5),
      color: theme.colors.error.text,
      fontSize: theme.typography.bodySmall.fontSize,
    }),
  }
}
