// The worker of the product, which dies when it is asked for the values of the label "die": how else would a test see
// what its client does then?
import { parentPort } from 'node:worker_threads'
import '../worker.ts'

parentPort?.on('message', ({ method, args }: { method: string; args: readonly unknown[] }) => {
  if (method === 'labelValues' && args[0] === 'die') process.exit(7)
})
