// How does a parser say no? With a value, not an exception: what came, what is allowed, the cure, and where.

export interface Failure {
  readonly message: string
  /** Zero-based position in the input, where there is one. */
  readonly position?: number
}
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Failure }

export const success = <T>(value: T): Result<T> => ({ ok: true, value })
export const failure = <T>(message: string, position?: number): Result<T> => ({
  ok: false,
  error: position === undefined ? { message } : { message, position },
})
