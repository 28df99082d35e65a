// What is one finding of the doctor? A state, what was found, what is lost by it, and the exact cure.

export interface Finding {
  readonly name: string
  /** fail: the job cannot be done; warn: it is done with something missing. */
  readonly state: 'ok' | 'warn' | 'fail'
  /** What is so. */
  readonly found: string
  /** What one loses; absent when ok. */
  readonly lost?: string
  /** The command or step that cures it; absent when ok. */
  readonly cure?: string
}

export const ok = (name: string, found: string): Finding => ({ name, state: 'ok', found })
export const warn = (name: string, found: string, lost: string, cure: string): Finding => ({
  name,
  state: 'warn',
  found,
  lost,
  cure,
})
export const fail = (name: string, found: string, lost: string, cure: string): Finding => ({
  name,
  state: 'fail',
  found,
  lost,
  cure,
})
