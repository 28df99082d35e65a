// Entry of the panel's bundle: Grafana asks for `plugin`.
import { lazyPanel } from '../lazy-panel.tsx'
import { pluginOf } from '../plugin-of.ts'

export const plugin = pluginOf(lazyPanel('flame'), false)
