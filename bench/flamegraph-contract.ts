// What does a page of the flame graph bench offer to the bench that drives it? Each page sets `window.bench`.

export interface BenchPage {
  /** Makes the tree and what the components take of it. */
  make(nodes: number): void
  /** Milliseconds from the call to the message after the first frame that shows the whole picture; what each component takes
   *  is ready before. Rejects on a component that the page does not have, or that draws nothing. */
  draw(component: string): Promise<number>
  /** Brings the widest boxes on screen and says where they are. */
  base(): Base
  remove(): void
}

/** The outer edge of the root's row, in pixels of the page, and the way to the next rows: -1 is up. */
export interface Base {
  readonly y: number
  readonly toRows: 1 | -1
}

declare global {
  interface Window {
    bench: BenchPage
  }
}

/** The next message after the next frame. */
export const frameShown = () =>
  new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
