// What did the data source answer to this question? The answer before stays until the next one is there, and what nobody
// waits for any more is aborted.
import type { DataFrame } from '@grafana/data'
import React from 'react'
import { ask } from './ask.ts'
import type { Question } from './question.ts'

export interface Answered {
  /** The newest answer, which may be one to the question before; undefined: none yet, or no question. */
  readonly frames: readonly DataFrame[] | undefined
  readonly isAsking: boolean
  /** It has taken 2 s. */
  readonly isSlow: boolean
  /** Why this question got no answer. */
  readonly error: string | undefined
}

interface State {
  /** Of the question that was answered, or refused, last. */
  readonly settled: string
  readonly frames: readonly DataFrame[] | undefined
  readonly error: string | undefined
  /** The question that has taken long. */
  readonly slow: string
}
const NOTHING: State = { settled: '', frames: undefined, error: undefined, slow: '' }
const SLOW_MS = 2_000 // until then a thin sign is enough

/** Asks whenever the question is another one; undefined asks nothing and forgets what was answered.
 *  in  name    this asker's own in the panel
 *      points  over time that can be drawn */
export function useAnswer(question: Question | undefined, name: string, points: number): Answered {
  const [state, setState] = React.useState(NOTHING)
  // Several bundles and pages may hold panels: no counter of ours is theirs, too.
  const [panel] = React.useState(() => Math.random().toString(36).slice(2))
  const key = question === undefined ? '' : JSON.stringify([question, points])
  const latest = React.useRef(question)
  latest.current = question
  React.useEffect(() => {
    const asked = latest.current
    if (asked === undefined) {
      setState(NOTHING)
      return
    }
    const settle = (frames: readonly DataFrame[] | undefined, error: string | undefined) =>
      setState((last) => ({ ...last, settled: key, frames: frames ?? last.frames, error }))
    const timer = setTimeout(() => setState((last) => ({ ...last, slow: key })), SLOW_MS)
    const subscription = ask(asked, { requestId: `flametrail-strip-${panel}-${name}`, points }).subscribe({
      next: (frames) => settle(frames, undefined),
      error: (error: unknown) => settle(undefined, error instanceof Error ? error.message : String(error)),
    })
    return () => {
      clearTimeout(timer)
      subscription.unsubscribe()
    }
  }, [key, name, panel, points])
  const isAsking = question !== undefined && state.settled !== key
  return {
    frames: question === undefined ? undefined : state.frames,
    isAsking,
    isSlow: isAsking && state.slow === key,
    error: isAsking || question === undefined ? undefined : state.error,
  }
}
