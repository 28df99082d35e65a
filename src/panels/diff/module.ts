// Entry of the panel's bundle: Grafana asks for `plugin`.
import { pluginOf } from '../plugin-of.ts'
import { Panel } from './Panel.tsx'

export const plugin = pluginOf(Panel, true)
