// Where does one look at profiles? The app's page: a sentence, and a link into Explore for every data source of ours.
import { css } from '@emotion/css'
import { type GrafanaTheme2, locationUtil } from '@grafana/data'
import { getDataSourceSrv } from '@grafana/runtime'
import { LinkButton, useStyles2 } from '@grafana/ui'
import React from 'react'
import { explorePath } from './explore-link.ts'

const DATA_SOURCE_ID = 'flametrail-profiles-datasource'

export function RootPage() {
  const styles = useStyles2(stylesOf)
  const sources = getDataSourceSrv().getList({ type: DATA_SOURCE_ID })
  return (
    <div className={styles.page}>
      <h2>Profiles</h2>
      <p>
        Flametrail samples what every process of your hosts does on its CPUs. Look at it in Explore, or put a
        flame graph, an iceberg or a diff on a dashboard.
      </p>
      {sources.length === 0 ? (
        <>
          <p>
            There is no Flametrail data source yet. It needs the URL of a backend, and a token of the scope
            read.
          </p>
          <LinkButton icon="plus" href={locationUtil.assureBaseUrl('/connections/datasources/new')}>
            Add a Flametrail data source
          </LinkButton>
        </>
      ) : (
        <div className={styles.links}>
          {sources.map(({ uid, name }) => (
            <LinkButton key={uid} icon="compass" href={locationUtil.assureBaseUrl(explorePath(uid))}>
              Explore {name}
            </LinkButton>
          ))}
        </div>
      )}
    </div>
  )
}

const stylesOf = (theme: GrafanaTheme2) => ({
  page: css({ maxWidth: 720, padding: theme.spacing(2) }),
  links: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
})
