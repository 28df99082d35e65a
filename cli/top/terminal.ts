// How does the terminal become a screen, and how does it come back? Alternate screen, no cursor, keys one by one; all of
// it is undone when we end, however we end. No arithmetic here: what is drawn, and where, is decided in `layout.ts`.
import { writeSync } from 'node:fs'
import type { ReadStream, WriteStream } from 'node:tty'
import { createKeyReader, ESCAPE_WAIT_MS, type Key } from './keys.ts'
import type { Line, Screen, Size } from './layout.ts'

export interface Terminal {
  size(): Size
  paint(screen: Screen): void
  /** Gives the terminal back as it was. Once is enough, twice does no harm. */
  close(): void
}

export interface TerminalOptions {
  readonly stdout: WriteStream
  /** undefined: no keys come, as in `flametrail top < /dev/null`. */
  readonly stdin: ReadStream | undefined
  readonly onKeys: (keys: readonly Key[]) => void
  readonly onResize: () => void
  /** The terminal is gone. */
  readonly onGone: () => void
}

// Alternate screen, no wrapping of lines, no cursor; and back.
const ENTER = '\u001b[?1049h\u001b[?7l\u001b[?25l\u001b[2J'
const LEAVE = '\u001b[0m\u001b[?25h\u001b[?7h\u001b[?1049l'
// Terminals that know it show what lies between at once; others ignore it.
const BEGIN = '\u001b[?2026h'
const END = '\u001b[?2026l'
const LOOKS: Readonly<Record<Line['look'], string>> = {
  fact: '\u001b[1m',
  note: '',
  titles: '\u001b[7m',
  row: '',
  keys: '\u001b[2m',
}
const STDOUT = 1
const USUAL: Size = { width: 80, height: 24 } // of a terminal that does not tell

/** Takes the terminal. */
export function openTerminal(options: TerminalOptions): Terminal {
  const { stdout, stdin, onKeys, onResize, onGone } = options
  const reader = createKeyReader()
  let escapeTimer: NodeJS.Timeout | undefined
  let isOpen = true

  function read(chunk: string): void {
    clearTimeout(escapeTimer)
    escapeTimer = undefined
    const keys = reader.read(chunk)
    if (reader.isPending) escapeTimer = setTimeout(flushSoon, ESCAPE_WAIT_MS)
    if (keys.length > 0) onKeys(keys)
  }

  /** After a look at the terminal: when we were busy for longer than the wait, the rest may be there already. */
  function flushSoon(): void {
    const due = escapeTimer
    setImmediate(() => {
      if (escapeTimer === due && isOpen) onKeys(reader.flush())
    })
  }

  function close(): void {
    if (!isOpen) return
    isOpen = false
    clearTimeout(escapeTimer)
    process.off('exit', close)
    process.off('uncaughtExceptionMonitor', close)
    stdout.off('resize', onResize)
    try {
      if (stdin !== undefined) {
        stdin.off('data', read)
        stdin.setRawMode(false)
        stdin.pause()
      }
      writeSync(STDOUT, LEAVE) // at once: a crash leaves no time for the queue of a stream
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }

  // A crash prints its stack trace where the user can still read it: after the screen is back.
  process.on('uncaughtExceptionMonitor', close)
  process.on('exit', close)
  stdout.on('resize', onResize)
  stdout.on('error', onGone)
  if (stdin !== undefined) {
    stdin.setRawMode(true)
    stdin.setEncoding('utf8')
    stdin.on('data', read)
    stdin.on('error', onGone)
    stdin.on('end', onGone)
  }
  stdout.write(ENTER)
  return {
    size: () => ({ width: stdout.columns || USUAL.width, height: stdout.rows || USUAL.height }),
    paint(screen) {
      // A slow line gets the next picture instead of a queue of old ones.
      if (isOpen && !stdout.writableNeedDrain) stdout.write(BEGIN + printScreen(screen) + END)
    },
    close,
  }
}

function printScreen({ lines, cursor }: Screen): string {
  const rows = lines.map(({ text, look }, i) => `\u001b[${i + 1};1H\u001b[0m\u001b[K${LOOKS[look]}${text}`)
  const place = cursor === undefined ? '\u001b[?25l' : `\u001b[${lines.length};${cursor + 1}H\u001b[?25h`
  return `${rows.join('')}\u001b[0m${place}`
}

/** The window was closed, or the connection broken. */
const isGone = (error: unknown): boolean =>
  ['EIO', 'EPIPE', 'EBADF', 'ENOTTY', 'EAGAIN', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')
