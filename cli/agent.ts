// `flametrail agent`: runs the agent in this process, with the memory limits that keep it small.
import { setFlagsFromString } from 'node:v8'
import { AGENT_SETTINGS } from '../bpf-agent/settings.ts'
import type { Command } from './command.ts'
import { runProgram } from './program.ts'

export const agent: Command = {
  purpose: 'sample every process of this host and send profiles to a backend',
  examples: [
    'flametrail agent',
    'flametrail agent --backend https://profiles.example.net:4040 --token-file /etc/flametrail/write-token',
  ],
  table: AGENT_SETTINGS,
  run: (argv) => {
    // Young garbage is all there is: a small nursery costs nothing and saves 15 MB.
    setFlagsFromString('--max-semi-space-size=1')
    setFlagsFromString('--max-old-space-size=128')
    process.env.UV_THREADPOOL_SIZE ??= '2'
    return runProgram('agent.mjs', argv)
  },
}
