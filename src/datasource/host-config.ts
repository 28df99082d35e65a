// What does the data source read of Grafana's configuration? This, here, and nothing anywhere else: the type of `config`
// grows with every release.
import { config } from '@grafana/runtime'

/** True while a shared ("public") dashboard is shown: Grafana lets no query of a frontend data source through there. */
export const isPublicDashboard = (): boolean => Boolean(config.publicDashboardAccessToken)
