// The app as Grafana loads it: it holds the data source and the panels together, and says where to go.
import { AppPlugin } from '@grafana/data'
import { RootPage } from './app/RootPage.tsx'

export const plugin = new AppPlugin().setRootPage(RootPage)
