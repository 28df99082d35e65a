// Which modules does the host bring to the plugin's bundles? Its own, so that there is one React and one @grafana/ui on
// the page. The build fails if a bundle asks for one that is not in this list.
import * as emotionCss from '@emotion/css'
import * as grafanaData from '@grafana/data'
import * as grafanaRuntime from '@grafana/runtime'
import * as grafanaUi from '@grafana/ui'
import lodash from 'lodash'
import moment from 'moment'
import * as react from 'react'
import * as jsxRuntime from 'react/jsx-runtime'
import * as reactDom from 'react-dom'
import * as rxjs from 'rxjs'
import * as rxjsOperators from 'rxjs/operators'

export const sharedModules: Readonly<Record<string, object>> = {
  react,
  'react-dom': reactDom,
  'react/jsx-runtime': jsxRuntime,
  rxjs,
  'rxjs/operators': rxjsOperators,
  lodash,
  moment,
  '@emotion/css': emotionCss,
  '@grafana/data': grafanaData,
  '@grafana/runtime': grafanaRuntime,
  '@grafana/ui': grafanaUi,
}
