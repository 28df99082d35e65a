// `flametrail export [SELECTOR]`: the answer of a query as a file. The backend writes it; this names the format and keeps it.
import { writeFileSync } from 'node:fs'
import { EXPORT_FORMATS, type ExportFormat } from '#profile/wire/query-api'
import { createClient, reason } from './client.ts'
import { type Command, parseArguments, Refusal, UsageError } from './command.ts'
import { printBytes } from './output.ts'
import { EXPORT_SETTINGS } from './settings.ts'

/** Endings of file names, and what they hold. */
const FORMAT_OF_ENDING: readonly (readonly [ending: string, format: ExportFormat])[] = [
  ['.pb.gz', 'pprof'],
  ['.pprof', 'pprof'],
  ['.folded', 'folded'],
  ['.txt', 'folded'],
  ['.svg', 'svg'],
  ['.html', 'html'],
  ['.otlp', 'otlp'],
  ['.json', 'json'],
]
const BINARY: readonly ExportFormat[] = ['pprof', 'otlp']

export const exportQuery: Command = {
  purpose: `write the answer of a query to a file: ${EXPORT_FORMATS.join(', ')}`,
  examples: [
    `flametrail export '{service_name="api"}' --from now-15m -o api.pb.gz`,
    `flametrail export '{service_name="api"}' --baseline-from now-2h --baseline-to now-1h -o api.html`,
    'flametrail export --format folded | flamegraph.pl > all.svg',
  ],
  table: EXPORT_SETTINGS,
  run: async (argv) => {
    const { values, rest } = parseArguments(EXPORT_SETTINGS, argv)
    if (rest.length > 1)
      throw new UsageError(
        `one selector at most, got ${rest.length}: ${rest.join(' ')}; quote it: '{service_name="api"}'`,
      )
    const { output, type, from, to, view } = values
    const format = values.format === '' ? formatOf(output) : checkFormat(values.format)
    if (output === '' && BINARY.includes(format) && process.stdout.isTTY)
      throw new UsageError(
        `${format} is nothing for a terminal; write it to a file, for example -o api.pb.gz`,
      )
    const query = rest[0] ?? '{}'
    const isDiff = values.baseline !== '' || values['baseline-from'] !== '' || values['baseline-to'] !== ''
    const baseline = {
      type,
      query: values.baseline || query,
      from: values['baseline-from'] || from,
      to: values['baseline-to'] || to,
    }
    const selection = { type, query, from, to }
    const client = createClient({ backend: values.backend, tokenFile: values['token-file'] })
    const bytes = await client.download('export', {
      ...selection,
      format,
      view,
      maxNodes: values['max-nodes'],
      ...(isDiff ? { baseline, comparison: selection } : {}),
    })
    if (output === '') process.stdout.write(bytes)
    else {
      keep(output, bytes)
      process.stderr.write(`${output}: ${printBytes(bytes.length)}, ${format}\n`)
    }
    return 0
  },
}

function checkFormat(word: string): ExportFormat {
  const format = EXPORT_FORMATS.find((known) => known === word)
  if (format !== undefined) return format
  throw new UsageError(`--format ${word} is unknown; there are ${EXPORT_FORMATS.join(', ')}`)
}

function formatOf(output: string): ExportFormat {
  if (output === '') return 'folded'
  const row = FORMAT_OF_ENDING.find(([ending]) => output.endsWith(ending))
  if (row !== undefined) return row[1]
  const endings = FORMAT_OF_ENDING.map(([ending]) => ending).join(', ')
  throw new UsageError(`-o ${output} names no format; end it in one of ${endings}, or give --format`)
}

/** throws Refusal */
function keep(output: string, bytes: Uint8Array): void {
  try {
    writeFileSync(output, bytes)
  } catch (error) {
    throw new Refusal(`${output} cannot be written (${reason(error)})`)
  }
}
