// Where do views come from? One shape for the sampler of this machine and for a backend.
import type { Sort } from './order.ts'
import type { TopView } from './view.ts'

export interface Source {
  /** Whom it watches, and how: "every process, last 10 s at 97 Hz". */
  readonly words: string
  /** Waits until the next view is due, or less when it is asked to stop.
   *  in      sort  what will be shown first: a source that sends a part sends this one
   *  throws  Refusal, CannotSample */
  next(ask: { readonly sort: Sort; readonly stopped: Promise<unknown> }): Promise<TopView>
  /** Nobody is left to watch: views stay as they are. */
  readonly isOver: boolean
  close(): void
}
