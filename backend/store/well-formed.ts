// Can this text be stored and read back? JavaScript strings may hold half a surrogate pair, UTF-8 may not: such a half
// becomes U+FFFD before it is interned, or the file would hold two equal strings under two ids.

const LONE_SURROGATE = /\p{Surrogate}/gu

export const wellFormed = (text: string): string => text.replace(LONE_SURROGATE, '\ufffd')
