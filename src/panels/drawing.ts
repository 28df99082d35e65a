// What do the panels load when they first draw? All three, as one file: they are nine tenths the same code.
export { Panel as diff } from './diff/Panel.tsx'
export { Panel as flame } from './flamegraph/Panel.tsx'
export { Panel as iceberg } from './iceberg/Panel.tsx'
