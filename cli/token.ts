// `flametrail token create | list | revoke`: the tokens that a backend accepts. A secret is shown once, at creation.
import {
  createToken,
  listTokens,
  revokeToken,
  TOKEN_SCOPES,
  type TokenScope,
} from '../backend/serve/tokens.ts'
import { type Command, parseArguments, Refusal, UsageError } from './command.ts'
import { printTable } from './output.ts'
import { TOKEN_SETTINGS } from './settings.ts'

const VERBS = ['create', 'list', 'revoke'] as const

export const token: Command = {
  purpose: 'create, list and revoke the tokens that a backend accepts',
  examples: [
    'flametrail token create --scope write --token-file /etc/flametrail/tokens > agent-token',
    'flametrail token list --token-file /etc/flametrail/tokens',
    'flametrail token revoke ID --token-file /etc/flametrail/tokens',
  ],
  table: TOKEN_SETTINGS,
  run: async (argv) => {
    const { values, rest } = parseArguments(TOKEN_SETTINGS, argv)
    const [verb, id, ...more] = rest
    const file = values['token-file']
    if (more.length > 0) throw new UsageError(`too many words: ${more.join(' ')}`)
    if (verb === 'create' && id === undefined) return create(file, values.scope, values.expires)
    if (verb === 'list' && id === undefined) return list(file)
    if (verb === 'revoke' && id !== undefined) return revoke(file, id)
    throw new UsageError(
      `got \`token ${rest.join(' ')}\`; there are ${VERBS.join(', ')}, as in \`flametrail token create --scope read\` and \`flametrail token revoke ID\``,
    )
  },
}

async function create(file: string, scopes: readonly string[], expiresMs: number): Promise<number> {
  const allowed: readonly string[] = TOKEN_SCOPES
  const unknown = scopes.find((scope) => !allowed.includes(scope))
  if (unknown !== undefined || scopes.length === 0)
    throw new UsageError(
      `${unknown === undefined ? 'a token needs --scope' : `--scope ${unknown} is unknown`}; there are ${allowed.join(', ')}, as in \`flametrail token create --scope read\``,
    )
  const expires = expiresMs > 0 ? new Date(Date.now() + expiresMs) : undefined
  const made = await refusing(() =>
    createToken({
      file,
      scopes: scopes as readonly TokenScope[],
      ...(expires === undefined ? {} : { expires }),
    }),
  )
  process.stdout.write(`${made.token}\n`)
  process.stderr.write(
    `token ${made.id} with scope ${scopes.join(', ')} stands in ${file} (as a hash); the line above is shown only once\n`,
  )
  return 0
}

async function list(file: string): Promise<number> {
  const tokens = await refusing(() => listTokens(file))
  const columns = [
    { title: 'id', align: 'left' },
    { title: 'scopes', align: 'left' },
    { title: 'expires', align: 'left' },
  ] as const
  process.stdout.write(
    printTable(
      columns,
      tokens.map((entry) => [entry.id, entry.scopes.join(', '), entry.expires?.toISOString() ?? 'never']),
    ),
  )
  return 0
}

async function revoke(file: string, id: string): Promise<number> {
  if (!(await refusing(() => revokeToken(file, id))))
    throw new Refusal(`no token ${id} in ${file}; \`flametrail token list --token-file ${file}\` shows them`)
  process.stderr.write(`token ${id} is revoked; a running backend forgets it within seconds\n`)
  return 0
}

/** What the token file's keeper throws is a sentence for the user. */
async function refusing<T>(act: () => T | Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw new Refusal((error as Error).message)
  }
}
