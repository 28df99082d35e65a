// `flametrail agent`: this process becomes the agent, with the memory limits that keep it small. They only count from
// V8's first moment on, so it starts anew; the PID stays, and there is no second process to pass signals to.
import { fileURLToPath } from 'node:url'
import { become } from '../bpf-agent/kernel/syscalls.ts'
import { AGENT_SETTINGS } from '../bpf-agent/settings.ts'
import type { Command } from './command.ts'
import { AGENT_ENVIRONMENT, AGENT_FLAGS } from './program.ts'

export const agent: Command = {
  purpose: 'sample every process of this host and send profiles to a backend',
  examples: [
    'flametrail agent',
    'flametrail agent --backend https://profiles.example.net:4040 --token-file /etc/flametrail/write-token',
  ],
  table: AGENT_SETTINGS,
  run: (argv) => {
    for (const [name, value] of Object.entries(AGENT_ENVIRONMENT)) process.env[name] ??= value
    const program = fileURLToPath(new URL('agent.mjs', import.meta.url))
    become(process.execPath, [process.execPath, ...AGENT_FLAGS, program, ...argv])
  },
}
