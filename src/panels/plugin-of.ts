// How do the three panels become plugins? In one way, with one set of options.

import type { PanelProps } from '@grafana/data'
import { PanelPlugin } from '@grafana/data'
import type { ComponentType } from 'react'
import { DEFAULT_OPTIONS, type GraphOptions, migrateOptions, optionsFrom } from './options.ts'

/** A panel plugin around a component.    in  isDiff  adds the options that only a diff has */
export function pluginOf(
  panel: ComponentType<PanelProps<GraphOptions>>,
  isDiff: boolean,
): PanelPlugin<GraphOptions> {
  return new PanelPlugin<GraphOptions>(panel)
    .setMigrationHandler((saved) => migrateOptions(saved.options))
    .setPanelChangeHandler((_, pluginId, previous) => optionsFrom(pluginId, previous))
    .setPanelOptions((builder) => {
      builder
        .addRadio({
          path: 'show',
          name: 'Show',
          description: 'Auto: graph and table where the panel is wide enough for both',
          defaultValue: DEFAULT_OPTIONS.show,
          settings: {
            options: [
              { value: 'auto', label: 'Auto' },
              { value: 'graph', label: 'Graph' },
              { value: 'table', label: 'Table' },
              { value: 'both', label: 'Both' },
            ],
          },
        })
        .addRadio({
          path: 'orientation',
          name: 'Orientation',
          description: 'Flame: roots at the bottom. Icicle: roots on top',
          defaultValue: DEFAULT_OPTIONS.orientation,
          settings: {
            options: [
              { value: 'flame', label: 'Flame' },
              { value: 'icicle', label: 'Icicle' },
            ],
          },
        })
        .addRadio({
          path: 'palette',
          name: 'Palette',
          defaultValue: DEFAULT_OPTIONS.palette,
          settings: {
            options: [
              { value: 'default', label: 'Default' },
              { value: 'colorBlind', label: 'Color-blind safe' },
            ],
          },
        })
        .addBooleanSwitch({
          path: 'timeline',
          name: 'Time strip',
          description: 'The query over time, above the graph: drag over a part to see that part',
          defaultValue: DEFAULT_OPTIONS.timeline,
        })
      if (isDiff)
        builder.addRadio({
          path: 'comparing',
          name: 'Compare',
          description: "Shares of each side's total are fair for unequal load and length",
          defaultValue: DEFAULT_OPTIONS.comparing,
          settings: {
            options: [
              { value: 'share', label: 'Share' },
              { value: 'absolute', label: 'Absolute' },
            ],
          },
        })
      else
        builder.addRadio({
          path: 'colorBy',
          name: 'Color by',
          defaultValue: DEFAULT_OPTIONS.colorBy,
          settings: {
            options: [
              { value: 'package', label: 'Package' },
              { value: 'function', label: 'Function' },
            ],
          },
        })
    })
}
