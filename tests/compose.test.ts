// Is docker-compose.yml what a compose engine reads, and is what it grants what SECURITY promises? The schema is written
// here from the Compose Specification, for the parts in use, and stricter: what is not listed is refused.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import Ajv from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { imageOf, instructionsOf, readCompose } from './compose.ts'

const root = path.resolve(import.meta.dirname, '..')
const text = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8')
const compose = readCompose()
const services = Object.entries(compose.services)

const words = { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }
const wordSet = { ...words, uniqueItems: true }
const duration = { type: 'string', pattern: '^([0-9]+(ms|s|m|h))+$' }
const object = (properties: object, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const named = (values: object) => ({
  type: 'object',
  propertyNames: { pattern: '^[a-zA-Z0-9._-]+$' },
  additionalProperties: values,
})
const dependency = object(
  {
    condition: { enum: ['service_started', 'service_healthy', 'service_completed_successfully'] },
    restart: { type: 'boolean' },
  },
  ['condition'],
)
const service = object(
  {
    image: { type: 'string', pattern: '^[a-z0-9/._-]+:[0-9]+[.][0-9]+[.][0-9]+$' },
    build: object({ context: { type: 'string' }, dockerfile: { type: 'string' } }, ['context', 'dockerfile']),
    depends_on: named(dependency),
    network_mode: { type: 'string', pattern: '^service:[a-z]+$' },
    pid: { const: 'host' },
    cgroup: { enum: ['host', 'private'] },
    user: { type: 'string', pattern: '^[0-9]+:[0-9]+$' },
    group_add: wordSet,
    init: { type: 'boolean' },
    read_only: { type: 'boolean' },
    cap_drop: { ...wordSet, items: { const: 'ALL' } },
    cap_add: { ...wordSet, items: { type: 'string', pattern: '^[A-Z_]+$' } },
    security_opt: wordSet,
    mem_limit: { type: 'string', pattern: '^[0-9]+[kmg]$' },
    restart: { enum: ['no', 'always', 'on-failure', 'unless-stopped'] },
    entrypoint: words,
    command: words,
    // A value that YAML would read as a number or a boolean is quoted: engines differ in how they print those.
    environment: { ...named({ type: 'string' }), propertyNames: { pattern: '^[A-Z][A-Z0-9_]*$' } },
    ports: { ...wordSet, items: { type: 'string', pattern: '^127[.]0[.]0[.]1:[0-9]+:[0-9]+$' } },
    volumes: {
      ...wordSet,
      items: { type: 'string', pattern: '^([a-z-]+|[.]/[a-z-]+):/[A-Za-z0-9/_-]+(:ro)?$' },
    },
    healthcheck: object(
      {
        test: words,
        interval: duration,
        timeout: duration,
        start_period: duration,
        retries: { type: 'integer', minimum: 1 },
      },
      ['test'],
    ),
  },
  ['image', 'cap_drop', 'security_opt', 'restart'],
)
const schema = object(
  {
    name: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]*$' },
    services: named(service),
    volumes: named(object({})),
  },
  ['name', 'services'],
)
const validate = new Ajv({ allErrors: true, strict: true, strictTypes: false }).compile(schema)

describe('docker-compose.yml', () => {
  it('is a compose file, and nothing in it is unknown', () => {
    expect(validate(parse(text)), JSON.stringify(validate.errors, null, 1)).toBe(true)
  })

  it.each([
    ['privileged: true', / {4}pid: host\n/],
    ['network_mode: host', / {4}network_mode: service:backend\n/],
    ['ports: ["4040:4040"]', / {4}ports: \['127.0.0.1:4040:4040'\]\n/],
    ['image: grafana/grafana:latest', / {4}image: grafana\/grafana:[\d.]+\n/],
  ])('would not pass with %s', (line, place) => {
    const changed = text.replace(place, `    ${line}\n`)
    expect(changed).not.toBe(text)
    expect(validate(parse(changed))).toBe(false)
  })

  it('uses no volume, service or file that is not there', () => {
    for (const [, { volumes = [], depends_on = {}, build }] of services) {
      for (const volume of volumes) {
        const [source] = volume.split(':')
        if (source!.startsWith('./')) expect(['./dist', './provisioning']).toContain(source)
        else expect(Object.keys(compose.volumes)).toContain(source)
      }
      for (const other of Object.keys(depends_on)) expect(Object.keys(compose.services)).toContain(other)
      if (build !== undefined) expect(existsSync(path.join(root, build.dockerfile))).toBe(true)
    }
  })

  it('starts agent and Grafana only when the backend is healthy, which it can tell', () => {
    const { backend, agent, grafana } = compose.services
    expect(agent?.depends_on?.backend?.condition).toBe('service_healthy')
    expect(grafana?.depends_on?.backend?.condition).toBe('service_healthy')
    expect(backend?.healthcheck?.test.at(-1)).toMatch(/\/readyz$/)
  })

  it('gives the agent six capabilities, and nobody else any', () => {
    for (const [name, { cap_drop, cap_add = [], security_opt }] of services) {
      expect(cap_drop).toEqual(['ALL'])
      expect(security_opt).toContain('no-new-privileges:true')
      const six = ['BPF', 'PERFMON', 'SYS_PTRACE', 'DAC_READ_SEARCH', 'CHECKPOINT_RESTORE', 'SYSLOG']
      expect([name, cap_add]).toEqual([name, name === 'agent' ? six : []])
    }
  })

  it('holds no secret: not in an argument, not in a variable', () => {
    expect(text).not.toMatch(/flt_[0-9a-f]/)
    for (const [, { command = [], entrypoint = [], environment = {} }] of services) {
      for (const word of [...entrypoint, ...command])
        expect(word.replace(/^--token-file=\/[\w/-]+$/, '')).not.toMatch(/password|secret|bearer|token/i)
      for (const [name, value] of Object.entries(environment))
        if (/TOKEN|SECRET|PASSWORD/.test(name))
          expect([name, value]).toEqual([name, expect.stringMatching(/^\/(run|var\/lib)\/flametrail\b/)])
    }
    expect(compose.services.grafana?.environment).not.toHaveProperty('GF_SECURITY_ADMIN_PASSWORD')
    expect(compose.services.grafana?.environment).toHaveProperty('GF_SECURITY_ADMIN_PASSWORD__FILE')
  })

  it('lets each secret be seen by its reader alone, and written by the backend alone', () => {
    const mounts = (secret: string) =>
      services.flatMap(([name, { volumes = [] }]) =>
        volumes
          .filter((one) => one.startsWith(`${secret}:`))
          .map((one) => `${name} ${one.endsWith(':ro') ? 'reads' : 'writes'}`),
      )
    expect(mounts('agent-secret')).toEqual(['backend writes', 'agent reads'])
    expect(mounts('grafana-secret')).toEqual(['backend writes', 'grafana reads'])
    expect(mounts('backend-data')).toEqual(['backend writes'])
  })

  it('allows the five unsigned plugins by name', () => {
    const ids = [
      'plugin.json',
      'src/datasource/plugin.json',
      ...['flamegraph', 'iceberg', 'diff'].map((at) => `src/panels/${at}/plugin.json`),
    ].map((name) => JSON.parse(readFileSync(path.join(root, name), 'utf8')).id as string)
    expect(compose.services.grafana?.environment?.GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS).toBe(
      ids.join(','),
    )
  })

  it('carries the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
    for (const name of ['backend', 'agent'])
      expect(compose.services[name]?.image).toBe(`flametrail/${name}:${version}`)
  })
})

describe.each(['backend', 'agent'])('the image of the %s', (name) => {
  const { build, user, entrypoint } = compose.services[name]!
  const image = imageOf(build!.dockerfile)

  it('stands on exact versions', () => {
    for (const [word, from] of instructionsOf(build!.dockerfile))
      if (word === 'FROM') expect(from).toMatch(/^node:\d+[.]\d+[.]\d+-bookworm-slim$/)
  })

  it('runs and starts what the compose file says', () => {
    expect(image.user).toBe(user)
    expect(image.entrypoint).toEqual(entrypoint)
  })

  it('holds what it starts, by the paths of this repository', () => {
    const held = image.files.map(({ to }) => `/opt/flametrail/${to}`)
    expect(held).toContain(entrypoint![1])
    expect(held).toContain(compose.services[name]!.healthcheck!.test[2])
    for (const { from, to } of image.files) expect(from).toBe(`/opt/flametrail/${to}`)
  })
})
