// The package types its ESM entry, which imports .wasm as a module (Node cannot, yet); this is the glue beside it.
declare module 'gecko-profiler-demangle/index_bg.js' {
  export function __wbg_set_wasm(exports: WebAssembly.Exports): void
  export function __wbindgen_init_externref_table(): void
  export function demangle_any(name: string): string
}
