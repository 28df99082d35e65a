// What address opens Explore on profiles? Pure: the page adds the host's own path.
import { DEFAULT_QUERY } from '../datasource/query.ts'

/** Path and query of Explore with one pane: all CPU of the last hour, series and profile.
 *  in  uid  of a data source of ours */
export function explorePath(uid: string): string {
  const pane = {
    datasource: uid,
    queries: [{ refId: 'A', datasource: { uid }, ...DEFAULT_QUERY, queryType: 'both' }],
    range: { from: 'now-1h', to: 'now' },
  }
  return `/explore?schemaVersion=1&orgId=1&panes=${encodeURIComponent(JSON.stringify({ profiles: pane }))}`
}
