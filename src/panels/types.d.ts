// What only the bundler knows.
/** Where its loader looks for lazy parts: assigned, never read. */
declare let __webpack_public_path__: string
declare module 'amd-module' {
  const module: { readonly uri?: string } | undefined
  export default module
}
/** A file's text. */
declare module '*?raw' {
  const text: string
  export default text
}
