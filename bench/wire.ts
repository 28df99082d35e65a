// How many bytes leave for the backend? A TCP door in front of it that counts what goes through: heads, bodies and all.
import { connect, createServer, type Socket } from 'node:net'

export interface Wire {
  readonly port: number
  /** Sent towards the backend so far. */
  bytes(): number
  close(): void
}

/** Opens a port that leads to `target` on loopback. */
export async function startWire(target: number): Promise<Wire> {
  let bytes = 0
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined) // the close that follows ends both sides
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (chunk) => {
      bytes += chunk.length
    })
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    bytes: () => bytes,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
