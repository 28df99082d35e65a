// Which file does the page show? One that was dropped anywhere on it, or chosen by the button; or the sentence why not.
import { useCallback, useEffect, useState } from 'react'
import { type OpenedFile, openFile } from './open-file.ts'

export interface ShownFile {
  readonly opened: OpenedFile | undefined
  /** How many were opened so far: files of one name are told apart. */
  readonly serial: number
  /** Why the last one is not shown. */
  readonly refusal: string | undefined
  /** A file is held over the page right now. */
  readonly isOver: boolean
  readonly open: (files: readonly File[]) => void
  readonly close: () => void
  /** The refusal was read. */
  readonly dismiss: () => void
}

export function useFiles(): ShownFile {
  const [opened, setOpened] = useState<OpenedFile>()
  const [serial, setSerial] = useState(0)
  const [refusal, setRefusal] = useState<string>()
  const [isOver, setOver] = useState(false)
  const open = useCallback(async (files: readonly File[]) => {
    const [file] = files
    if (file === undefined) return
    if (files.length > 1)
      return setRefusal(`${files.length} files came; one can be opened at a time. Drop them one by one.`)
    const read = await openFile(file)
    setRefusal(read.ok ? undefined : read.error.message)
    if (!read.ok) return
    setSerial((last) => last + 1)
    setOpened(read.value)
  }, [])
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault() // or the browser would leave the page for the file
      setOver(true)
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      void open([...(event.dataTransfer?.files ?? [])])
    }
    window.addEventListener('dragover', over)
    window.addEventListener('dragleave', leave)
    window.addEventListener('drop', drop)
    return () => {
      window.removeEventListener('dragover', over)
      window.removeEventListener('dragleave', leave)
      window.removeEventListener('drop', drop)
    }
  }, [open])
  const close = useCallback(() => {
    setOpened(undefined)
    setRefusal(undefined)
  }, [])
  const dismiss = useCallback(() => setRefusal(undefined), [])
  return { opened, serial, refusal, isOver, open, close, dismiss }
}
