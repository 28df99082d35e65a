// Files that the bundler turns into addresses, or into nothing.
declare module '*.svg' {
  const url: string
  export default url
}
declare module '*.css'
declare module 'systemjs/dist/system.min.js'
declare module 'systemjs/dist/extras/amd.min.js'
