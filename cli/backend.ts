// `flametrail backend`: runs the backend in this process.
import { BACKEND_SETTINGS } from '../backend/settings.ts'
import type { Command } from './command.ts'
import { runProgram } from './program.ts'

export const backend: Command = {
  purpose: 'store profiles, answer queries and serve the viewer, on one port',
  examples: [
    'flametrail backend',
    'flametrail backend --listen 0.0.0.0:4040 --token-file /etc/flametrail/tokens',
  ],
  table: BACKEND_SETTINGS,
  run: (argv) => {
    // A query holds a thread of the pool while DuckDB works; with four, health checks would wait behind them.
    process.env.UV_THREADPOOL_SIZE ??= '16'
    return runProgram('backend.mjs', argv)
  },
}
