// The data source as Grafana loads it.
import { DataSourcePlugin } from '@grafana/data'
import { ConfigEditor } from './ConfigEditor.tsx'
import { ProfileDataSource, type ProfileOptions, type ProfileSecrets } from './datasource.ts'
import { QueryEditor } from './QueryEditor.tsx'
import type { ProfileQuery } from './query.ts'

export const plugin = new DataSourcePlugin<ProfileDataSource, ProfileQuery, ProfileOptions, ProfileSecrets>(
  ProfileDataSource,
)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor)
