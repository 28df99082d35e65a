// What must stand before anything is loaded lazily? The bundler's public path: where its loader looks for the other
// files. Import this file first. `amd-module` is AMD's own `module` (see externals in rspack.plugin.config.mjs): of all
// that a module can ask for, only it tells the address that it came from.
import amdModule from 'amd-module'
import { appFolderOf } from './app-folder.ts'

__webpack_public_path__ = appFolderOf(amdModule?.uri)
