// How large may a selector be? Bounds that parser and regex engine share, apart from both: the parser is in the plugin's
// bundle, the engine is not.

/** As the query API takes it; a URL of this length still passes most proxies. */
export const SELECTOR_BYTES_MAX = 8192
/** More than any dashboard writes; each costs a look at every series. */
export const MATCHERS_MAX = 64
/** Bounds the time to compile: 512 hostile bytes take 0.3 s. */
export const REGEX_BYTES_MAX = 512
/** 512 bytes can ask for 490,000 instructions by counted repetition; each costs time per byte of a value. */
export const REGEX_PROGRAM_MAX = 10_000
