// What lives behind the HTTP side? One store, its queries, its intake and its housekeeping, as one object: hosted by the
// worker in the product, by the same thread in tests.
import { createDrawPicture } from './draw-picture.ts'
import { type PushService, receive } from './ingest/receive.ts'
import type { Limits } from './limits.ts'
import type { QueryService } from './query/query-service.ts'
import { createQueryService } from './query/service.ts'
import { openDuckDbStore } from './store/duckdb/duckdb-store.ts'

const RETAIN_EVERY_MS = 60_000

export interface ServiceOptions {
  readonly dataDirectory: string
  readonly limits: Limits
  readonly retention: { readonly ageMs: number; readonly bytes: number }
  readonly clock: () => number
  readonly log: (line: string) => void
  /** Holds html-page.js and html-page.css, for exports as pages. */
  readonly pageDirectory: URL
}

export interface Service extends PushService, QueryService {
  /** Commits what waits and lets go of the data directory. */
  close(): Promise<void>
}

/** Throws ServiceError with one sentence if the data directory cannot be used. */
export async function openService(options: ServiceOptions): Promise<Service> {
  const { dataDirectory, limits, retention, clock, log, pageDirectory } = options
  const store = await openDuckDbStore({
    directory: dataDirectory,
    limits,
    retention,
    nowMs: clock(),
    report: log,
  })
  const keepHouse = async () => {
    try {
      const removed = await store.retain(clock())
      if (removed.length > 0) log(`retention let ${removed.length} store files go: ${removed.join(', ')}`)
    } catch (error) {
      log(`retention failed, and is tried again in a minute: ${(error as Error).message}`)
    }
  }
  let house = keepHouse()
  const timer = setInterval(() => {
    house = house.then(keepHouse)
  }, RETAIN_EVERY_MS)
  timer.unref()
  return {
    ...createQueryService({ store, limits, retention, clock, drawPicture: createDrawPicture(pageDirectory) }),
    receive: (request) => receive({ ...request, store, limits }),
    async close() {
      clearInterval(timer)
      await house
      await store.close()
    },
  }
}
