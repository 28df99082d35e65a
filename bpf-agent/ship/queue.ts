// What waits for the backend? Requests in order of age, bounded in bytes: over the bound the oldest leave, and say so.
// A disk spool takes the same seat later.

/** One request, ready to go. The bytes are its identity: a retry repeats them as they are. */
export interface Parcel {
  /** gzip of an OTLP request. */
  readonly body: Uint8Array
  /** Samples inside, for the accounting. */
  readonly samples: number
}

export interface Queue {
  readonly count: number
  readonly bytes: number
  readonly samples: number
  /** Puts a parcel at the end.
   *  out  the parcels that had to leave for it, oldest first; the new one itself if it alone exceeds the bound */
  push(parcel: Parcel): readonly Parcel[]
  /** Takes the oldest one out: it is on its way, and nobody else may drop it. */
  take(): Parcel | undefined
  /** Puts a parcel that was taken back in front: it is still the oldest.  out  as of `push` */
  putBack(parcel: Parcel): readonly Parcel[]
}

/** A queue in memory.  cost O(count) per call at worst, 10,000 parcels at most in practice */
export function memoryQueue(bytesMax: number): Queue {
  const parcels: Parcel[] = []
  let bytes = 0
  let samples = 0

  function take(): Parcel | undefined {
    const oldest = parcels.shift()
    bytes -= oldest?.body.length ?? 0
    samples -= oldest?.samples ?? 0
    return oldest
  }

  function shrink(): Parcel[] {
    const gone: Parcel[] = []
    while (bytes > bytesMax) gone.push(take()!)
    return gone
  }

  function add(parcel: Parcel): void {
    bytes += parcel.body.length
    samples += parcel.samples
  }

  return {
    get count() {
      return parcels.length
    },
    get bytes() {
      return bytes
    },
    get samples() {
      return samples
    },
    push(parcel) {
      parcels.push(parcel)
      add(parcel)
      return shrink()
    },
    take,
    putBack(parcel) {
      parcels.unshift(parcel)
      add(parcel)
      return shrink()
    },
  }
}
