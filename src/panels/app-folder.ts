// Where do the parts stand that panels load when they first draw? In the app's own folder, once for all of them. A panel
// knows the address of its own module alone, and Grafana gives nested plugins addresses of two shapes:
//
//   …/public/plugins/flametrail-diff-panel/module.js            a folder by id: the app's stands beside it
//   …/flametrail-profiles-app/panels/diff/module.js             as in dist/ (a CDN, the viewer): two floors down

const APP_ID = 'flametrail-profiles-app'

/** Address of the app's folder, with a slash at its end.
 *  in  uri  of a panel's module, absolute or from the page's root, with or without a query; undefined: not told */
export function appFolderOf(uri: string | undefined): string {
  // Where nobody says it: as Grafana serves plugins, below the page's <base>.
  if (uri === undefined || uri === '') return `public/plugins/${APP_ID}/`
  const folder = uri.replace(/[?#].*$/, '').replace(/[^/]*$/, '')
  const nested = /^(.*\/)panels\/[^/]+\/$/.exec(folder)
  return nested === null ? folder.replace(/[^/]+\/$/, `${APP_ID}/`) : nested[1]!
}
