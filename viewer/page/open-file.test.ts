import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CPU } from '#profile/model/profile-type'
import { drawTree, profileFromText } from '#profile/testing/draw'
import { encodePprof } from '#profile/wire/pprof'
import { frameMeta } from '../../src/frame/frame-meta.ts'
import { frameToTree } from '../../src/frame/frame-to-tree.ts'
import { FILE_BYTES_MAX, frameOf, INFLATED_BYTES_MAX, openFile } from './open-file.ts'

const STACKS = `
  main  main  main
  serve serve work
  read
`
const TREE = drawTree(treeOf(profileFromText(STACKS)))
const file = (content: string | Uint8Array, name = 'some.file') =>
  new File([content as Uint8Array<ArrayBuffer>], name)
const pprof = () =>
  encodePprof(profileFromText(STACKS, { type: CPU, period: 1 }), {
    timeMs: 1_700_000_000_000,
    durationMs: 10_000,
  })

function treeOf(profile: Parameters<typeof frameOf>[0], isWhole = false) {
  const read = frameToTree(frameOf(profile, isWhole))
  if (!read.ok || read.value.kind !== 'tree') throw new Error('no tree')
  return read.value.tree
}
async function opened(given: File) {
  const read = await openFile(given)
  if (!read.ok) throw new Error(read.error.message)
  return read.value
}
async function refusal(given: File) {
  const read = await openFile(given)
  return read.ok ? 'opened' : read.error.message
}

describe('openFile', () => {
  it.each([
    ['folded', 'main;serve;read 1\nmain;serve 1\nmain;work 1\n'],
    ['folded, gzipped', gzipSync('main;serve;read 1\nmain;serve 1\nmain;work 1\n')],
    ['pprof', pprof()],
    ['pprof, gzipped', gzipSync(pprof())],
  ])('reads %s, whatever its name', async (_, content) => {
    const { profiles, first } = await opened(file(content))
    expect(drawTree(treeOf(profiles[first]!))).toBe(TREE)
    expect(drawTree(treeOf(profiles[first]!, true))).toBe(TREE)
  })

  it('knows the time of a pprof, and that a folded file has none', async () => {
    const [timed] = (await opened(file(pprof()))).profiles
    expect(frameMeta(frameOf(timed!, false))).toMatchObject({
      fromMs: 1_700_000_000_000,
      toMs: 1_700_000_010_000,
      unit: 'nanoseconds',
      samples: 3,
    })
    const [untimed] = (await opened(file('main 3'))).profiles
    expect(frameMeta(frameOf(untimed!, false))).toBeUndefined()
  })

  it.each([
    ['an empty file', '', 'some.file: the file is empty. A pprof or folded file is expected.'],
    ['text that is no profile', 'hello', /^some\.file: line 1: "hello" must end in a space and a number/],
    ['bytes that are no profile', new Uint8Array([0, 1, 2, 255, 254]), /^some\.file: not a pprof profile: /],
    ['half of a pprof', pprof().slice(0, 40), /^some\.file: not a pprof profile: /],
    ['half of a gzip', gzipSync(pprof()).subarray(0, 40), /^some\.file: the gzip stream in it is broken/],
    ['a gzip of nothing', gzipSync(''), 'some.file: there is no sample in it.'],
  ])('refuses %s with a sentence', async (_, content, sentence) => {
    expect(await refusal(file(content))).toMatch(sentence)
  })

  it('refuses what is larger than can be opened, before reading it', async () => {
    const large = { name: 'day.pb.gz', size: FILE_BYTES_MAX + 1 } as File
    expect(await refusal(large)).toMatch(/67,108,865 bytes; 67,108,864 can be opened/)
  })

  it('says so where the browser cannot read it', async () => {
    const arrayBuffer = () => Promise.reject(new DOMException('A requested file could not be found'))
    const folder = { name: 'profiles', size: 4_096, arrayBuffer } as unknown as File
    expect(await refusal(folder)).toMatch(/^profiles: it cannot be read .* Folders are not opened/)
  })

  it('stops where a small file swells beyond what is allowed', async () => {
    const bomb = gzipSync(new Uint8Array(INFLATED_BYTES_MAX + 1), { level: 1 })
    expect(await refusal(file(bomb))).toMatch(/inflates to more than 268,435,456 bytes/)
  })
})
