// What does docker-compose.yml say? Its services as plain data, and the final stages of the container files they are built
// from: which files an image holds, who runs in it, what it starts.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'

const root = path.resolve(import.meta.dirname, '..')

export interface Service {
  readonly image: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly user?: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly cap_add?: readonly string[]
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly group_add?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
}
export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, object>>
}

export const readCompose = (): Compose =>
  parse(readFileSync(path.join(root, 'docker-compose.yml'), 'utf8')) as Compose

/** Lines of a container file as words: instruction first, continued lines joined, comments left out. */
export function instructionsOf(dockerfile: string): readonly (readonly string[])[] {
  return readFileSync(path.join(root, dockerfile), 'utf8')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => line.trim().split(/\s+/))
}

export interface Image {
  /** From an earlier stage: absolute source there, target below /opt/flametrail here. */
  readonly files: readonly { readonly from: string; readonly to: string }[]
  readonly user: string
  readonly entrypoint: readonly string[]
  /** Folders made by `install -d`. */
  readonly folders: readonly string[]
}

/** The last stage of a container file. */
export function imageOf(dockerfile: string): Image {
  const all = instructionsOf(dockerfile)
  const stage = all.slice(all.findLastIndex(([word]) => word === 'FROM'))
  const wordsOf = (name: string) => stage.filter(([word]) => word === name).map(([, ...words]) => words)
  return {
    files: wordsOf('COPY').map((words) => ({ from: words[1]!, to: words[2]! })),
    user: wordsOf('USER')[0]?.[0] ?? '0',
    entrypoint: JSON.parse(wordsOf('ENTRYPOINT')[0]?.join(' ') ?? '[]') as string[],
    folders: wordsOf('RUN').flatMap((words) =>
      words[0] === 'install' ? words.filter((word) => word.startsWith('/')) : [],
    ),
  }
}
