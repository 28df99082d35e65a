// How does a file leave? As a download under a name that is safe on every disk; what a browser could run is shut in, for
// the names in it come from strangers.
import type { ExportedFile } from '../query/query-service.ts'
import type { Answer } from './route.ts'

export function downloadAnswer({ name, contentType, body }: ExportedFile): Answer {
  return {
    status: 200,
    headers: {
      'content-type': contentType,
      'content-disposition': `attachment; filename="${name.replaceAll(/[^A-Za-z0-9._-]/g, '_')}"`,
      'content-security-policy': "sandbox; default-src 'none'",
    },
    body,
  }
}
