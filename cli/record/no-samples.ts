// Why did nothing come? A recording without samples names the likeliest reason and the cure. Pure.

export interface Emptiness {
  /** Whom we watched, in words. */
  readonly words: string
  readonly elapsedMs: number
  readonly frequencyHz: number
  /** Samples of processes that were not meant. */
  readonly filtered: number
  /** Samples lost on the way, by reason, without `filtered`. */
  readonly lost: ReadonlyMap<string, number>
  /** Of PIDs and a command: how many processes still live. undefined: none were given. */
  readonly living: number | undefined
  /** How the command ended; undefined: there was none, or it still ran. */
  readonly commandEnd: string | undefined
}

/** One sentence or two. */
export function explainNoSamples(empty: Emptiness): string {
  const { words, elapsedMs, frequencyHz, filtered, living, commandEnd } = empty
  const lost = [...empty.lost].reduce((sum, [, count]) => sum + count, 0)
  const head = `no samples of ${words} in ${(elapsedMs / 1000).toFixed(1)} s at ${frequencyHz} Hz`
  const others = filtered > 0 ? ` (${filtered} of other processes)` : ''
  if (lost > 0 && filtered === 0)
    return `${head}: ${lost} were lost (${[...empty.lost].map(([reason, count]) => `${reason} ${count}`).join(', ')}); \`flametrail doctor\` says what is missing`
  if (commandEnd !== undefined)
    return `${head}${others}: the command ${commandEnd} before it had used ${Math.ceil(1000 / frequencyHz)} ms of CPU. Give it more work, or raise -F up to 499`
  if (living === 0)
    return `${head}${others}: the process has ended. Record one that lives, or start it after --`
  if (living !== undefined)
    return `${head}${others}: it was idle. Record while it works, longer (-d), or another process: \`top\` shows who uses CPU`
  if (filtered > 0)
    return `${head}${others}: its processes were idle, or there are none. \`systemd-cgls\` shows who is where`
  return `${head}: the machine was idle. \`flametrail doctor\` says whether it can be sampled`
}
