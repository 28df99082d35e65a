// How large is this element? Follows it through resizes.
import { type RefCallback, useCallback, useRef, useState } from 'react'

export interface SizeCss {
  readonly widthCss: number
  readonly heightCss: number
}

/** Attach `ref` to the element; the size is 0 × 0 until it is on the page. */
export function useSize(): { readonly ref: RefCallback<HTMLElement>; readonly size: SizeCss } {
  const [size, setSize] = useState<SizeCss>({ widthCss: 0, heightCss: 0 })
  const observer = useRef<ResizeObserver>()
  const ref = useCallback((element: HTMLElement | null) => {
    observer.current?.disconnect()
    if (element === null) return
    observer.current = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect
      setSize({ widthCss: Math.floor(width), heightCss: Math.floor(height) })
    })
    observer.current.observe(element)
  }, [])
  return { ref, size }
}
