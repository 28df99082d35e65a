import { readFileSync } from 'node:fs'

export const uptime = () => readFileSync('/proc/uptime', 'utf8')
