// In which format, and where? The name's ending says the format; the place is tried before the first sample, and the
// file gets its name only when it is whole.
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Profile } from '#profile/model/profile'
import { storedType } from '#profile/model/profile-type'
import { treeHtml } from '#profile/picture/html'
import { treeSvg } from '#profile/picture/svg'
import { buildTreeOfProfile } from '#profile/tree/build'
import { printFolded } from '#profile/wire/folded'
import { encodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { encodePprof } from '#profile/wire/pprof'
import { Refusal, UsageError } from '../command.ts'
import { readHtmlPage } from '../html-page.ts'

export interface Headings {
  readonly title: string
  readonly subtitle: string
}

type Print = (profile: Profile, headings: Headings) => Uint8Array | string

/** By ending. What a format needs from elsewhere is fetched when the output is opened, not when the samples are there. */
const FORMATS: ReadonlyMap<string, (pageFolder?: string) => Print> = new Map<
  string,
  (pageFolder?: string) => Print
>([
  ['.html', htmlPrinter],
  ['.svg', () => (profile, headings) => treeSvg(timeTree(profile), pictureOptions(profile, headings))],
  ['.pb.gz', () => (profile) => gzipSync(encodePprof(profile))],
  ['.folded', () => printFolded],
  ['.otlp', () => (profile) => encodeOtlpProfiles({ profiles: [profile] })],
])

/** Endings that name a format. */
export const EXTENSIONS: readonly string[] = [...FORMATS.keys()]

export interface OutputFile {
  readonly path: string
  /** Writes the whole file and gives it its name.  out  its bytes */
  write(profile: Profile, headings: Headings): number
  /** Leaves nothing behind; does nothing after `write`. */
  discard(): void
}

/** Opens a file beside `path`, which must end in one of EXTENSIONS.
 *  in      pageFolder  where script and style of pages are; by default where they are built
 *  throws  UsageError for another ending, Refusal when nothing can be written there */
export function openOutput(path: string, pageFolder?: string): OutputFile {
  const format = [...FORMATS].find(([ending]) => path.endsWith(ending) && basename(path) !== ending)?.[1]
  if (format === undefined)
    throw new UsageError(
      `-o ${path}: the name must end in ${EXTENSIONS.join(', ')}, which says the format; for example -o cpu${EXTENSIONS[0]}`,
    )
  const print = format(pageFolder)
  const draft = `${path}.${process.pid}.tmp`
  const fd = orRefuse(path, () => openSync(draft, 'wx', 0o644))
  let isOpen = true
  const close = () => {
    if (isOpen) closeSync(fd)
    isOpen = false
  }
  return {
    path,
    write(profile, headings) {
      const bytes = Buffer.from(print(profile, headings))
      orRefuse(path, () => {
        writeFileSync(fd, bytes)
        close()
        renameSync(draft, path)
      })
      return bytes.length
    },
    discard() {
      close()
      rmSync(draft, { force: true })
    },
  }
}

function orRefuse<T>(path: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw new Refusal(
      `cannot write ${path}: ${(error as Error).message}; give -o a file in a directory that you may write to`,
      { cause: error },
    )
  }
}

function htmlPrinter(pageFolder?: string): Print {
  const page = readHtmlPage(pageFolder)
  return (profile, headings) => treeHtml(timeTree(profile), { ...pictureOptions(profile, headings), ...page })
}

/** In CPU time: what people read off a picture. */
function timeTree(profile: Profile) {
  const { scale } = storedType(profile.type, profile.period)
  const value = profile.samples.value.map((samples) => samples * scale)
  return buildTreeOfProfile({ ...profile, samples: { ...profile.samples, value } })
}

const pictureOptions = ({ type, period }: Profile, headings: Headings) => ({
  ...headings,
  unit: storedType(type, period).type.sampleUnit,
  counted: 'CPU',
  orientation: 'icicle' as const,
})
