// The thread that holds the store: decoding, SQL and folds happen here, so that the thread that speaks HTTP never waits.
// A thin shell around service.ts: messages in, answers out. Its other end is worker-client.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { ServiceError } from './errors.ts'
import { openService, type Service } from './service.ts'
import type { FromWorker, ToWorker, WorkerData } from './worker-client.ts'

const port = parentPort
if (port === null) throw new Error('worker.ts is a worker: start backend.mjs')
const send = (message: FromWorker) => port.postMessage(message)
const log = (line: string) => send({ kind: 'log', line })

async function answer(service: Service, { id, method, args }: ToWorker): Promise<void> {
  try {
    const run = service[method] as (...args: unknown[]) => Promise<unknown>
    send({ kind: 'answer', id, value: await run(...args) })
    if (method === 'close') port?.close()
  } catch (error) {
    const refusal = ServiceError.from(error)
    // What nobody foresaw is for the log; the asker gets a sentence without our insides.
    if (refusal.code === 'internal') log(`${method} failed: ${(error as Error).stack ?? String(error)}`)
    send({ kind: 'refusal', id, answer: refusal.toAnswer() })
  }
}

process.on('unhandledRejection', (error) => log(`unhandled in the store thread: ${(error as Error).stack}`))

try {
  const pageDirectory = new URL('.', import.meta.url) // the build lays all beside each other
  const service = await openService({ ...(workerData as WorkerData), clock: Date.now, log, pageDirectory })
  port.on('message', (message: ToWorker) => void answer(service, message))
  send({ kind: 'ready' })
} catch (error) {
  if (!(error instanceof ServiceError)) log(`opening failed: ${(error as Error).stack}`)
  const refusal =
    error instanceof ServiceError
      ? error
      : new ServiceError('internal', `cannot open the store: ${(error as Error).message}`)
  send({ kind: 'refused', answer: refusal.toAnswer() })
  port.close()
}
