// Why did nothing come? A recording without samples names the likeliest reason and the cure. Pure.

export interface Emptiness {
  /** Whom we watched, in words. */
  readonly words: string
  readonly elapsedMs: number
  readonly frequencyHz: number
  /** Ticks that should have been. */
  readonly expected: number
  /** Samples of processes that were not meant. */
  readonly filtered: number
  /** Samples lost on the way, by reason, without `filtered`. */
  readonly lost: ReadonlyMap<string, number>
  /** Of PIDs and a command: how many processes still live. undefined: none were given. */
  readonly living: number | undefined
  /** How the command ended; undefined: there was none, or it still ran. */
  readonly commandEnd: string | undefined
}

const LOST_SHARE = 0.1 // a tick or two are missed when a recording begins and ends

/** One sentence or two. */
export function explainNoSamples(empty: Emptiness): string {
  const { words, elapsedMs, frequencyHz, filtered, living, commandEnd } = empty
  const lost = [...empty.lost].reduce((sum, [, count]) => sum + count, 0)
  const lostWords = [...empty.lost].map(([reason, count]) => `${reason} ${count}`).join(', ')
  const asides = [filtered > 0 ? `${filtered} of other processes` : '', lost > 0 ? `lost: ${lostWords}` : '']
  const aside = asides.filter((text) => text !== '').join('; ')
  const head = `no samples of ${words} in ${(elapsedMs / 1000).toFixed(1)} s at ${frequencyHz} Hz${aside === '' ? '' : ` (${aside})`}`
  if (commandEnd !== undefined)
    return `${head}: the command ${commandEnd} before it had used ${Math.ceil(1000 / frequencyHz)} ms of CPU. Give it more work, or raise -F up to 499`
  if (living === 0) return `${head}: the process has ended. Record one that lives, or start it after --`
  if (lost > LOST_SHARE * empty.expected)
    return `${head}: too many are lost. \`flametrail doctor\` says what is missing`
  if (living !== undefined)
    return `${head}: it was idle. Record while it works, longer (-d), or another process: \`top\` shows who uses CPU`
  if (filtered > 0)
    return `${head}: its processes were idle, or there are none. \`systemd-cgls\` shows who is where`
  return `${head}: the machine was idle. \`flametrail doctor\` says whether it can be sampled`
}
