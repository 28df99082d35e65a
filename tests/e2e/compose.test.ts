// Do backend and agent run as docker-compose.yml starts them? No engine is here: the files of each image, its user, its
// capabilities, its arguments and its variables are taken from the compose file and the container files, and given to
// plain processes by setpriv. Only paths and ports are mapped to ones that belong to this test; namespaces, read-only
// roots and AppArmor are not part of it.
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StatusAnswer, TopAnswer } from '#profile/wire/query-api'
import { imageOf, readCompose, type Service } from '../compose.ts'
import { eventually, finish, freePort, type Run, root, start, stop } from './stream.ts'

const { services } = readCompose()
const OWN = /\/(opt|run|var\/lib)\/flametrail\b/g
/** Grafana's image runs as this user. */
const GRAFANA_UID = 472

/** DAC_READ_SEARCH, SYS_PTRACE, SYSLOG, PERFMON, BPF, CHECKPOINT_RESTORE in linux/capability.h. */
const CAPABILITY_BITS = [2, 19, 34, 38, 39, 40]

let work: string
const ports = new Map<string, number>()

/** What the file says, at this test's place: paths below the temporary folder, ports that nobody has. */
function mapped(text: string, service: string): string {
  return text
    .replaceAll(OWN, (own) => path.join(work, own === '/opt/flametrail' ? service : 'shared', own))
    .replaceAll(/:(4040|4041)\b/g, (_, port: string) => `:${ports.get(port)}`)
    .replace(/^node$/, process.execPath)
}

/** Lays an image's files out as its container file copies them, out of this checkout's build. */
function layOut(name: string): void {
  const { files, folders } = imageOf(services[name]!.build!.dockerfile)
  for (const { from, to } of files) {
    const source = path.join(root, path.relative('/opt/flametrail', from))
    const target = path.join(work, name, '/opt/flametrail', to)
    mkdirSync(path.dirname(target), { recursive: true })
    if (to === 'node_modules') copyProductionPackages(target)
    else if (statSync(source).isDirectory()) cpSync(source, target, { recursive: true })
    else copyFileSync(source, target)
  }
  for (const folder of folders) {
    const made = mapped(folder, name)
    mkdirSync(made, { recursive: true })
    const [uid, gid] = services[name]!.user!.split(':').map(Number)
    chmodSync(made, 0o750)
    chownSync(made, uid!, gid!)
  }
}

/** What `npm ci --omit=dev` installs, out of this checkout: every package of the lockfile that is not for building. */
function copyProductionPackages(target: string): void {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { readonly dev?: true; readonly devOptional?: true }>>
  }
  for (const [name, { dev, devOptional }] of Object.entries(packages)) {
    const source = path.join(root, name)
    if (name === '' || dev || devOptional || !existsSync(source)) continue // absent: for another platform
    cpSync(source, path.join(target, path.relative('node_modules', name)), { recursive: true })
  }
}

/** setpriv's words for a service's user and capabilities. */
function rightsOf({ user, cap_drop, cap_add = [] }: Service): string[] {
  expect(cap_drop).toEqual(['ALL'])
  const [uid, gid] = user!.split(':')
  const kept = ['-all', ...cap_add.map((name) => `+${name.toLowerCase()}`)].join(',')
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--no-new-privs',
    `--bounding-set=${kept}`,
    '--inh-caps=-all',
  ]
}

function argvOf(name: string, words: readonly string[]): string[] {
  const service = services[name]!
  const variables = Object.entries(service.environment ?? {}).map(
    ([key, value]) => `${key}=${mapped(value, name)}`,
  )
  return [
    ...rightsOf(service),
    'env',
    '-i',
    `PATH=${process.env.PATH}`,
    ...variables,
    ...words.map((word) => mapped(word, name)),
  ]
}

const startService = (name: string): Run =>
  start(argvOf(name, [...services[name]!.entrypoint!, ...services[name]!.command!]), { cwd: '/' })

/** Runs the service's own health check until it succeeds, as the engine would. */
function healthy(name: string, run: Run): Promise<true> {
  const [kind, ...words] = services[name]!.healthcheck!.test
  expect(kind).toBe('CMD')
  return eventually(`${name} healthy`, 40_000, async () => {
    const { code } = await finish(argvOf(name, words), { cwd: '/' })
    return code === 0 ? (true as const) : undefined
  }).catch((error) => {
    throw new Error(`${name}: ${run.stderr()}`, { cause: error })
  })
}

const secret = (name: string) => path.join(work, 'shared/run/flametrail', name)
const tokens = () => readFileSync(path.join(work, 'shared/var/lib/flametrail/tokens'), 'utf8')

/** POST to the backend with the token of a file. */
async function query<Answer>(route: string, tokenFile: string, request: object = {}) {
  const response = await fetch(`http://127.0.0.1:${ports.get('4040')}/api/v1/${route}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${readFileSync(secret(tokenFile), 'utf8').trim()}`,
    },
    body: JSON.stringify(request),
  })
  return { status: response.status, answer: (await response.json()) as Answer }
}

/** A line of /proc/PID/status. */
const statusOf = (pid: number, key: string) =>
  new RegExp(`^${key}:\\s*(\\S+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

let backend: Run
let agent: Run
// The services run as users of their own. Where / itself is closed to all but root, as in some bare chroots, no such user
// can load even the C library.
const isClosed = (statSync('/').mode & 0o001) === 0
const where = isClosed ? ' (not run: / is closed to other users here)' : ''

beforeAll(async () => {
  if (isClosed) return
  work = mkdtempSync(path.join(tmpdir(), 'flametrail-compose-'))
  chmodSync(work, 0o755)
  ports.set('4040', await freePort()).set('4041', await freePort())
  for (const name of ['backend', 'agent']) layOut(name)
  backend = startService('backend')
  await healthy('backend', backend)
  agent = startService('agent')
  await healthy('agent', agent)
})
afterAll(async () => {
  if (isClosed) return
  await stop(agent)
  await stop(backend)
  rmSync(work, { recursive: true, force: true })
})

describe.skipIf(isClosed)(`as the compose file starts them${where}`, () => {
  it('the agent samples, and the backend shows it to the holder of the read token', async () => {
    // Named functions of the kernel want SYSLOG, those of programs SYS_PTRACE and DAC_READ_SEARCH.
    const named = ({ name, mapping }: TopAnswer, isKernel: boolean) =>
      name.some(
        (text, row) =>
          /^[a-zA-Z_]/.test(text) && mapping[row] !== '' && (mapping[row] === 'vmlinux') === isKernel,
      )
    const top = await eventually('samples', 60_000, async () => {
      const { status, answer } = await query<TopAnswer>('top', 'grafana/read-token', { limit: 10_000 })
      expect(status).toBe(200)
      return named(answer, true) && named(answer, false) ? answer : undefined
    }).catch((error) => {
      throw new Error(agent.stderr(), { cause: error })
    })
    expect(top.total).toBeGreaterThan(0)
    expect(top.meta.sampleProfile).toBe(false)
  })

  it('the agent keeps its tables in a folder of its own', async () => {
    const folder = path.join(work, 'shared/var/lib/flametrail-agent/tables')
    await eventually('a table', 20_000, () =>
      readdirSync(folder).some((name) => name.endsWith('.table')) ? true : undefined,
    )
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it('the agent holds exactly the six capabilities, the backend none, and neither can gain any', () => {
    const six = CAPABILITY_BITS.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n)
      .toString(16)
      .padStart(16, '0')
    const agentPid = agent.child.pid!
    for (const set of ['CapEff', 'CapPrm', 'CapBnd'])
      expect([set, statusOf(agentPid, set)]).toEqual([set, six])
    const nothing = '0'.repeat(16)
    for (const pid of [backend.child.pid!, ...childrenOf(backend.child.pid!)]) {
      for (const set of ['CapEff', 'CapPrm', 'CapBnd'])
        expect([set, statusOf(pid, set)]).toEqual([set, nothing])
      expect(statusOf(pid, 'Uid')).toBe('10001')
      expect(statusOf(pid, 'NoNewPrivs')).toBe('1')
    }
    expect(statusOf(agentPid, 'NoNewPrivs')).toBe('1')
  })

  it('each token does what it is for, and no more', async () => {
    expect((await query('top', 'agent/write-token')).status).toBe(403)
    const { answer } = await query<StatusAnswer>('status', 'grafana/read-token')
    expect(JSON.stringify(answer)).not.toContain('flt_')
  })

  it('Grafana may read its secrets by the group it is given, and nobody else may', async () => {
    const [group] = services.grafana!.group_add!
    const read = (name: string, ...rights: string[]) =>
      finish([
        'setpriv',
        `--reuid=${GRAFANA_UID}`,
        '--regid=0',
        ...rights,
        '--bounding-set=-all',
        '--inh-caps=-all',
        'cat',
        secret(name),
      ])
    for (const name of ['grafana/read-token', 'grafana/admin-password']) {
      expect((await read(name, `--groups=${group}`)).code, name).toBe(0)
      expect((await read(name, '--clear-groups')).code, name).not.toBe(0)
      expect(statSync(secret(name)).mode & 0o777).toBe(0o640)
    }
    expect(readFileSync(secret('grafana/admin-password'), 'utf8')).toMatch(/^[\w-]{32}\n$/)
  })

  it('no secret is said, nor stands in an argument or a variable of a process', () => {
    const secrets = ['agent/write-token', 'grafana/read-token', 'grafana/admin-password'].map((name) =>
      readFileSync(secret(name), 'utf8').trim(),
    )
    const pids = [backend.child.pid!, ...childrenOf(backend.child.pid!), agent.child.pid!]
    const seen = pids.flatMap((pid) =>
      ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8')),
    )
    const said = [backend, agent].flatMap((run) => [run.stdout(), run.stderr()])
    for (const word of secrets)
      for (const text of [...seen, ...said, tokens()]) expect(text).not.toContain(word)
  })

  it('a backend that dies is started again in its container, with the tokens it had', async () => {
    const before = tokens()
    const [pid] = childrenOf(backend.child.pid!)
    process.kill(pid!, 'SIGKILL')
    await eventually('another backend', 20_000, () => {
      const [next] = childrenOf(backend.child.pid!)
      return next !== undefined && next !== pid ? true : undefined
    })
    await healthy('backend', backend)
    expect(backend.stderr()).toContain('ended with')
    expect((await query('top', 'grafana/read-token')).status).toBe(200)
    expect(tokens()).toBe(before)
  })

  it('stops when asked, and a second start makes nothing anew', async () => {
    const [before, password] = [tokens(), readFileSync(secret('grafana/admin-password'), 'utf8')]
    expect(await stop(backend), backend.stderr()).toBe(0)
    backend = startService('backend')
    await healthy('backend', backend)
    expect([tokens(), readFileSync(secret('grafana/admin-password'), 'utf8')]).toEqual([before, password])
    expect(backend.stderr()).not.toContain('made a')
  })

  it('makes the tokens anew when the file of their hashes is lost', async () => {
    const before = readFileSync(secret('agent/write-token'), 'utf8')
    await stop(backend)
    rmSync(path.join(work, 'shared/var/lib/flametrail/tokens'))
    backend = startService('backend')
    await healthy('backend', backend)
    expect(readFileSync(secret('agent/write-token'), 'utf8')).not.toBe(before)
    expect((await query('top', 'grafana/read-token')).status).toBe(200)
    expect(readdirSync(secret('agent'))).toEqual(['write-token'])
    expect(existsSync(`${secret('agent/write-token')}.new`)).toBe(false)
  })
})
