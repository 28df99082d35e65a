// What does a plugin find behind getBackendSrv(), getDataSourceSrv() and the like when there is no Grafana? The little
// that it needs, each answering for one data source and no variables.
import {
  type DataSourceApi,
  type DataSourceInstanceSettings,
  type DataSourcePlugin,
  type PluginMeta,
  PluginType,
  standardEditorsRegistry,
  standardFieldConfigEditorRegistry,
} from '@grafana/data'
import { initPluginTranslations } from '@grafana/i18n'
import {
  type BackendSrv,
  setBackendSrv,
  setDataSourceSrv,
  setEchoSrv,
  setTemplateSrv,
} from '@grafana/runtime'
import type { ProfileDataSource, ProfileOptions, ProfileSecrets } from '../../src/datasource/datasource.ts'
import type { ProfileQuery } from '../../src/datasource/query.ts'

export type ProfilePlugin = DataSourcePlugin<ProfileDataSource, ProfileQuery, ProfileOptions, ProfileSecrets>

export const DATA_SOURCE_ID = 'flametrail-profiles-datasource'

/** Kinds of option editors that Grafana's core registers; the viewer shows none, but a panel's defaults ask for them. */
const EDITORS = [
  'text', 'number', 'slider', 'boolean', 'radio', 'select', 'multi-select', 'unit', 'color', 'fieldColor', 'strings',
  'timezone', 'field-name', 'dashboard-uid', 'mappings', 'thresholds', 'links', 'stats-picker', 'actions',
] as const // biome-ignore format: a list of words

/** Sets what does not depend on a data source; once. */
export async function setServices(backendSrv: BackendSrv): Promise<void> {
  setBackendSrv(backendSrv)
  setTemplateSrv({
    getVariables: () => [],
    replace: (target = '') => target,
    containsTemplate: () => false,
    updateTimeRange: () => undefined,
  })
  setEchoSrv({ flush: () => undefined, addBackend: () => undefined, addEvent: () => undefined })
  const editor = () => null
  standardEditorsRegistry.setInit(() => EDITORS.map((id) => ({ id, name: id, editor })))
  standardFieldConfigEditorRegistry.setInit(() => [])
  await initPluginTranslations('flametrail-viewer')
}

/** Makes the one data source from its plugin, and lets `getDataSourceSrv` find it. */
export function setDataSource(plugin: ProfilePlugin): ProfileDataSource {
  const settings: DataSourceInstanceSettings<ProfileOptions> = {
    id: 1,
    uid: 'flametrail',
    name: 'Flametrail',
    type: DATA_SOURCE_ID,
    url: '',
    access: 'proxy',
    readOnly: true,
    jsonData: {},
    meta: metaOf(DATA_SOURCE_ID, 'Flametrail', PluginType.datasource),
  }
  const dataSource = new plugin.DataSourceClass(settings)
  Object.assign(dataSource, { meta: settings.meta, components: plugin.components })
  setDataSourceSrv({
    get: async () => dataSource as unknown as DataSourceApi,
    getList: () => [settings],
    getInstanceSettings: () => settings,
    reload: () => undefined,
    registerRuntimeDataSource: () => undefined,
  })
  return dataSource
}

export function metaOf(id: string, name: string, type: PluginType): PluginMeta {
  const logos = { small: '', large: '' }
  const info = {
    author: { name },
    description: '',
    links: [],
    logos,
    screenshots: [],
    updated: '',
    version: '',
  }
  return { id, name, type, module: '', baseUrl: '', info }
}
