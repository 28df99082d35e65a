// Which ends of a stack are a report? One that ended because the kernel does not know enough of its process.

/** Its process has no row in the kernel, or an address of it lies in none of its vmas. */
export type Miss = 'unknown' | 'no_mapping'

/** The miss that each stop reason means, by its number; undefined: none.
 *  in  stopNames  as the sampler says them */
export const missesOf = (stopNames: readonly string[]): readonly (Miss | undefined)[] =>
  stopNames.map((name) => (name === 'unknown' || name === 'no_mapping' ? name : undefined))
