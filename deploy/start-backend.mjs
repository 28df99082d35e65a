// How does a backend in a container start? The first time it makes what others present to it: a token that writes for the
// agent, a token that reads and an administrator's password for Grafana, each in a file of mode 0640 in a folder that only
// its reader mounts. No secret stands in an argument, a variable or a log.
//   FLAMETRAIL_SECRETS/agent/write-token      FLAMETRAIL_SECRETS/grafana/read-token, admin-password
// The file of hashes is FLAMETRAIL_TOKEN_FILE, as for the backend itself.
// Then it keeps the backend running: the agent shares this container's network, and would lose it with the container.
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../build/cli.mjs', import.meta.url))
const secrets = process.env.FLAMETRAIL_SECRETS ?? '/run/flametrail'
const RESTART_MS = 2_000 // long enough not to spin, short enough that an agent's memory bridges it
const WRONG_USAGE = 2 // will not be better the next time

const PASSWORD_BYTES = 24
const PASSWORD = /^[\w-]{32}$/ // those bytes as base64url

const words = process.argv.slice(2)
const tokenFile = process.env.FLAMETRAIL_TOKEN_FILE
const say = (line) => process.stderr.write(`flametrail container: ${line}\n`)

/** Writes a secret whole or not at all, also when the power fails. */
function keep(file, secret) {
  const handle = openSync(`${file}.new`, 'w', 0o640)
  try {
    fchmodSync(handle, 0o640) // whatever the umask
    writeSync(handle, `${secret}\n`)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(`${file}.new`, file)
}

/** True if the secret's token stands in the token file: that may have been lost, or be a new volume. */
function isKnown(file) {
  if (!existsSync(file) || !existsSync(tokenFile)) return false
  const id = readFileSync(file, 'utf8').split('_')[1]
  return readFileSync(tokenFile, 'utf8').includes(`\n${id} `)
}

function ensureToken(name, scope) {
  const file = path.join(secrets, name)
  if (isKnown(file)) return
  const made = spawnSync(
    process.execPath,
    [cli, 'token', 'create', '--scope', scope, '--token-file', tokenFile],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  )
  if (made.status !== 0) throw new Error(`no token of scope ${scope}: ${made.stderr.trim()}`)
  keep(file, made.stdout.trim())
  say(`made a token of scope ${scope} in ${file}`)
}

function ensurePassword(name) {
  const file = path.join(secrets, name)
  // An empty one would give Grafana its default password.
  if (existsSync(file) && PASSWORD.test(readFileSync(file, 'utf8').trim())) return
  keep(file, randomBytes(PASSWORD_BYTES).toString('base64url'))
  say(`made a password in ${file}`)
}

let child
let isStopping = false
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
  process.on(signal, () => {
    isStopping = true
    child?.kill(signal)
  })

const run = () =>
  new Promise((resolve) => {
    child = spawn(process.execPath, [cli, 'backend', ...words], { stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', (error) => {
      say(error.message)
      resolve(1)
    })
    child.on('close', (code) => resolve(code ?? 1))
  })

try {
  if (!tokenFile)
    throw new Error('set FLAMETRAIL_TOKEN_FILE: a backend that listens beyond loopback has tokens')
  ensureToken('agent/write-token', 'write')
  ensureToken('grafana/read-token', 'read')
  ensurePassword('grafana/admin-password')
} catch (error) {
  say(error.message)
  process.exit(1)
}
for (;;) {
  const code = await run()
  if (isStopping || code === 0 || code === WRONG_USAGE) process.exit(code)
  say(`the backend ended with ${code}; it starts again in ${RESTART_MS / 1000} s`)
  await new Promise((resolve) => setTimeout(resolve, RESTART_MS))
  if (isStopping) process.exit(0)
}
