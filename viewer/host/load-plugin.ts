// How does one of the plugin's bundles get into the page? As Grafana does it: SystemJS fetches the AMD module and hands
// it the host's own modules by an import map.
import 'systemjs/dist/system.min.js'
import 'systemjs/dist/extras/amd.min.js'
import { pageUrl } from './environment.ts'
import { sharedModules } from './shared-modules.ts'

interface SystemLoader {
  addImportMap(map: { readonly imports: Readonly<Record<string, string>> }): void
  set(id: string, module: object): void
  import(url: string): Promise<{ readonly plugin: unknown }>
}
const loader = (globalThis as unknown as { readonly System: SystemLoader }).System

/** Gives the loader the host's modules; once, before the first bundle. */
export function shareModules(): void {
  const imports: Record<string, string> = {}
  for (const [name, module] of Object.entries(sharedModules)) {
    imports[name] = `host:${name}`
    loader.set(`host:${name}`, module)
  }
  loader.addImportMap({ imports })
}

/** Loads one bundle of dist/ by its folder there, "datasource" or "panels/diff".
 *  out  its `plugin`;  throws what kept it from loading */
export async function loadPlugin<Plugin>(folder: string): Promise<Plugin> {
  const { plugin } = await loader.import(`${pageUrl}plugin/${folder}/module.js`)
  return plugin as Plugin
}
