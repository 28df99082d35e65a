// `flametrail import FILE…`: profiles from files into a backend, as one OTLP request a file. The backend sees a sender like
// others: the same bytes twice are stored once.
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type Labels, labelsOf } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { printProfileType } from '#profile/model/profile-type'
import { encodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { parseTime } from '#profile/wire/time'
import { isExportAnswer, rejectionOf, sentenceOf } from '../bpf-agent/ship/answer.ts'
import { endpointOf } from '../bpf-agent/ship/endpoint.ts'
import { createPoster, type Poster } from '../bpf-agent/ship/post.ts'
import { reason } from './client.ts'
import { type Command, parseArguments, Refusal, UsageError } from './command.ts'
import { openProfileFile } from './open-file.ts'
import { printTable } from './output.ts'
import { movedTo } from './profile-file.ts'
import { sampledProfile } from './sampled-profile.ts'
import { IMPORT_SETTINGS } from './settings.ts'

const ANSWER_MS = 60_000 // a request of 64 MiB and its commit
const compress = promisify(gzip)

export const importFiles: Command = {
  purpose: 'send profiles from files to a backend: pprof, folded, OTLP, JSON; told apart by content',
  examples: [
    'flametrail import cpu.pb.gz',
    'flametrail import old.folded --label service_name=api --label version=1.4 --time 2026-11-24T10:00:00Z',
  ],
  table: IMPORT_SETTINGS,
  run: async (argv) => {
    const { values, rest: names } = parseArguments(IMPORT_SETTINGS, argv)
    if (names.length === 0) throw new UsageError('no file to import; for example flametrail import cpu.pb.gz')
    const labels = parseLabels(values.label)
    const timeMs = values.time === '' ? undefined : momentOf(values.time)
    const poster = createPoster(endpoint(values.backend, values['token-file']))
    const rows: string[][] = []
    let failed = 0
    try {
      for (const name of names) {
        try {
          const file = openProfileFile(name, { labels, frequencyHz: values.frequency })
          const profiles = timeMs === undefined ? file.profiles : movedTo(file.profiles, timeMs)
          const filled = profiles.filter((profile) => profile.samples.value.length > 0)
          if (filled.length === 0) throw new Refusal(`${name} holds no sample`)
          await send(poster, { name, profiles: filled, backend: values.backend })
          rows.push(...filled.map((profile) => [name, file.format, ...describe(profile)]))
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          failed++
          process.stderr.write(`flametrail: ${error.message}\n`)
        }
      }
    } finally {
      poster.close()
    }
    if (rows.length > 0) process.stdout.write(printTable(COLUMNS, rows))
    return failed === 0 ? 0 : 1
  },
}

const COLUMNS = [
  { title: 'file', align: 'left' },
  { title: 'format', align: 'left' },
  { title: 'profile type', align: 'left' },
  { title: 'samples', align: 'right' },
  { title: 'stacks', align: 'right' },
  { title: 'from', align: 'left' },
  { title: 'labels', align: 'left', widthMax: 80 },
] as const

function describe(profile: Profile): string[] {
  const { type, samples } = sampledProfile(profile)
  const [labels, ...others] = profile.labelSets
  const named = labels?.map(([name, value]) => `${name}=${value}`).join(' ') ?? ''
  return [
    printProfileType(type),
    samples === undefined ? '-' : String(samples),
    String(new Set(profile.samples.stack).size),
    new Date(profile.timeMs).toISOString(),
    others.length === 0 ? named : `${named} and ${others.length} other sets`,
  ]
}

/** in  words  name=value;  throws UsageError */
function parseLabels(words: readonly string[]): Labels {
  return labelsOf(
    words.map((word) => {
      const equals = word.indexOf('=')
      if (equals < 1)
        throw new UsageError(
          `--label ${word} is no label; write name=value, for example --label service_name=api`,
        )
      return [word.slice(0, equals), word.slice(equals + 1)] as const
    }),
  )
}

function momentOf(text: string): number {
  const time = parseTime(text, Date.now())
  if (time.ok) return time.value
  throw new UsageError(`--time: ${time.error.message}`)
}

function endpoint(backend: string, tokenFile: string) {
  const found = endpointOf(backend, tokenFile === '' ? undefined : readToken(tokenFile))
  if (found.ok) return found.value
  throw new UsageError(found.error.message)
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new Refusal(
      `--token-file ${file} cannot be read (${reason(error)}); create a token with \`flametrail token create --scope write\` and keep it in a file of your own`,
    )
  }
}

/** throws Refusal with the backend's own words */
async function send(
  poster: Poster,
  {
    name,
    profiles,
    backend,
  }: { readonly name: string; readonly profiles: readonly Profile[]; readonly backend: string },
): Promise<void> {
  const body = new Uint8Array(await compress(encodeOtlpProfiles({ profiles })))
  const answer = await poster.post(body, ANSWER_MS)
  if (answer instanceof Error)
    throw new Refusal(
      `no backend answers at ${backend} (${reason(answer)}); start one with \`flametrail up\` or name another with --backend`,
    )
  if (answer.status !== 200)
    throw new Refusal(`${name}: the backend answered ${answer.status}: ${sentenceOf(answer)}`)
  if (!isExportAnswer(answer))
    throw new Refusal(
      `something answers at ${backend}, but it takes no profiles; name the right one with --backend`,
    )
  const { profiles: refused, message } = rejectionOf(answer)
  if (refused > 0) throw new Refusal(`${name}: the backend refused ${refused} profiles: ${message}`)
  if (message !== '') process.stderr.write(`${name}: ${message}\n`)
}
