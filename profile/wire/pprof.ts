// What do Go, Node, Rust and `go tool pprof` read and write? pprof, both ways: the door to the files beside it.
//
//   bytes ─► proto-reader ─► pprof-tables, stack-rows ─► pprof-decode, pprof-types ─► Profile[]
//   Profile ─► pprof-encode ─► bytes
//
// On disk and on the wire these bytes are usually gzipped; inflating and deflating is the caller's, who bounds it.
export { decodePprof, type PprofFile, type PprofOptions } from './pprof-decode.ts'
export { encodePprof, type PprofTime } from './pprof-encode.ts'

/** Do these bytes begin as gzip does? */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b
