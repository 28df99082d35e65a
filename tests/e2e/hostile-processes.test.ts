// Processes that are made to hurt whoever watches them: the agent lives, stays small and idle enough, and an honest
// neighbour keeps its whole stacks and its names.
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { labelValue } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { stacksOf } from '../truth/seen.ts'
import { expectModest, neighbourIsSeen } from './attack.ts'
import { type Burner, NO_FRAME_POINTERS, startBurner } from './burner.ts'
import { ehFrameOf, ehFrameSection, writeElf } from './crafted-elf.ts'
import { eventually, sleep } from './stream.ts'
import { createVillains, type Villain, type Villains } from './villain.ts'
import { startWatchedAgent, type WatchedAgent } from './watched-agent.ts'

const TEST_MS = 240_000 // a machine that is busy with other things takes its time

let villains: Villains
let neighbour: Burner
const made: string[] = []
beforeAll(async () => {
  villains = createVillains()
  neighbour = await startBurner(NO_FRAME_POINTERS)
})
afterEach(() => villains.stopAll())
afterAll(async () => {
  for (const file of made) rmSync(file, { force: true })
  await villains.end()
  await neighbour.stop()
})

const at = (name: string) => path.join(villains.folder, name)
const libraryOf = (name: string) =>
  new RegExp(`\\S*/${name}[.-]\\S*`).exec(readFileSync('/proc/self/maps', 'utf8'))![0]
const commsOf = (profiles: readonly Profile[]) =>
  profiles.flatMap(({ labelSets }) => labelSets.map((labels) => labelValue(labels, 'comm')))

describe('the agent and its neighbour outlive a process that', () => {
  let agent: WatchedAgent
  beforeAll(async () => {
    agent = await startWatchedAgent()
    await neighbourIsSeen(agent, neighbour)
  }, TEST_MS)
  afterAll(() => agent.stop())
  const attack = (...words: readonly (string | number)[]) =>
    expectModest({ agent, neighbour }, () => villains.start(...words))

  it(
    'calls itself by escapes, tags, marks of direction and bytes that are no text',
    async () => {
      await attack('names')
      const comms = new Set(commsOf(agent.profiles))
      for (const comm of comms) expect(comm).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
      await eventually('its names', 60_000, async () => {
        for (const comm of commsOf(await agent.windows(1))) comms.add(comm)
        return comms.has('?[2J?]0;owned?') && comms.has('<img src=x>') ? true : undefined
      })
      expect(await agent.metrics()).not.toContain('owned')
    },
    TEST_MS,
  )

  it(
    'maps 60,000 pieces of code',
    async () => {
      await attack('mappings', 60_000, libraryOf('libc'))
    },
    TEST_MS,
  )

  it(
    'has two thousand threads, each with a name of its own',
    async () => {
      const { profiles } = await attack('threads', 2000)
      const numbered = (profile: Profile) => new Set(commsOf([profile]).filter((comm) => /^t\d+$/.test(comm)))
      for (const profile of profiles) expect(numbered(profile).size).toBeLessThanOrEqual(64)
    },
    TEST_MS,
  )

  it(
    'forks five hundred times a second',
    async () => {
      await attack('forks', 500, 4)
    },
    TEST_MS,
  )

  it(
    'maps one library after another at the same place',
    async () => {
      await attack('swaps', libraryOf('libc'), libraryOf('libstdc[+][+]'))
    },
    TEST_MS,
  )

  it(
    'overwrites and cuts the file that it has mapped',
    async () => {
      copyFileSync(libraryOf('libm'), at('one.so'))
      writeElf(at('other.so'), { sections: [ehFrameSection(ehFrameOf(5000))] })
      await attack('rewrites', at('victim.so'), at('one.so'), at('other.so'))
    },
    TEST_MS,
  )
})

describe('a perf map', () => {
  let agent: WatchedAgent
  beforeAll(async () => {
    agent = await startWatchedAgent()
    await neighbourIsSeen(agent, neighbour)
  }, TEST_MS)
  afterAll(() => agent.stop())

  const HONEST = 'honest_name_of_generated_code'
  /** What stands where the map of a process is looked for; its code lies at `address`. */
  const MAPS: Readonly<Record<string, (map: string, address: string) => void>> = {
    'that is a FIFO': (map) => void execFileSync('mkfifo', [map]),
    'that is a device': (map) => void execFileSync('mknod', [map, 'c', '1', '5']),
    'that is a link to another file': (map, address) => {
      writeFileSync(at('linked.map'), `${address} 1000 name_behind_a_link\n`)
      symlinkSync(at('linked.map'), map)
    },
    'of ten gigabytes of nothing': (map) => {
      const fd = openSync(map, 'w')
      ftruncateSync(fd, 10 * 1024 ** 3)
      closeSync(fd)
    },
    'of 200 MB': (map, address) => {
      const fd = openSync(map, 'w')
      writeSync(fd, `${address} 1000 ${HONEST}\n`)
      const lines = Buffer.from(
        Array.from({ length: 40_000 }, (_, i) => `${(i * 64).toString(16)} 40 function_${i}_of_many\n`).join(
          '',
        ),
      )
      for (let bytes = 0; bytes < 200e6; bytes += lines.length) writeSync(fd, lines)
      closeSync(fd)
    },
  }

  /** Starts one that runs generated code, with this in the place of its map. */
  async function startJit(make: (map: string, address: string) => void): Promise<Villain> {
    const villain = await villains.start('jit')
    const map = `/tmp/perf-${villain.pid}.map`
    made.push(map)
    make(map, villain.said)
    return villain
  }

  it(
    'of whatever kind and size hurts nobody, and the first names of a long one are known',
    async () => {
      const pids = new Map<string, number>()
      await expectModest({ agent, neighbour }, async () => {
        for (const [what, make] of Object.entries(MAPS)) pids.set(what, (await startJit(make)).pid)
      })
      const seen = new Set<string>()
      const comm = 'villain'
      await eventually('the name of the long one', 60_000, async () => {
        for (const { frames } of (await agent.windows(1)).flatMap((profile) => stacksOf(profile, comm)))
          for (const { name } of frames) seen.add(name)
        return seen.has(HONEST) ? true : undefined
      })
      expect(seen).not.toContain('name_behind_a_link')
      expect(await agent.metric('binaries_refused_total{reason="perf_map"}')).toBeGreaterThanOrEqual(3)
      await eventually('the long one is full', 60_000, async () =>
        (await agent.metric('binaries_refused_total{reason="perf_map_full"}')) > 0 ? true : undefined,
      )
      expect(agent.memory().mostMb).toBeLessThan(160)
    },
    TEST_MS,
  )
})

describe('an agent that may not ask the kernel for mapped files', () => {
  let agent: WatchedAgent
  beforeAll(async () => {
    // As in a container without CHECKPOINT_RESTORE: it goes by paths, which a process may have put anything to.
    const rights = ['bpf', 'perfmon', 'sys_ptrace', 'dac_read_search', 'syslog']
    const kept = ['-all', ...rights.map((right) => `+${right}`)].join(',')
    agent = await startWatchedAgent({ through: ['setpriv', `--bounding-set=${kept}`, '--no-new-privs'] })
    await neighbourIsSeen(agent, neighbour)
  }, TEST_MS)
  afterAll(() => agent.stop())

  it.each([
    ['a FIFO', (place: string) => void execFileSync('mkfifo', [place])],
    ['a device', (place: string) => void execFileSync('mknod', [place, 'c', '1', '5'])],
    ['another file', (place: string) => copyFileSync(libraryOf('libm'), place)],
    ['a link to another file', (place: string) => symlinkSync(libraryOf('libm'), place)],
  ])(
    'does not open %s in the place of one',
    async (what, put) => {
      const file = at(`moved-${what.replaceAll(' ', '-')}`)
      const before = await agent.metric('table_refused_total{reason="open"}')
      copyFileSync(libraryOf('libm'), file)
      await expectModest({ agent, neighbour }, async () => {
        process.kill(agent.pid, 'SIGSTOP') // it opens what is mapped within milliseconds, the true file then
        try {
          await villains.start('map', file, 4)
          renameSync(file, `${file}.elsewhere`)
          put(file)
        } finally {
          process.kill(agent.pid, 'SIGCONT')
        }
      })
      await eventually('it is refused', 60_000, async () =>
        (await agent.metric('table_refused_total{reason="open"}')) > before ? true : undefined,
      )
    },
    TEST_MS,
  )

  it(
    'gives the child that compiles for it none of its rights',
    async () => {
      writeElf(at('large'), { sections: [ehFrameSection(ehFrameOf(1_000_000))], textBytes: 2 ** 30 })
      await villains.start('map', at('large'), 4)
      const seen = new Set<string>()
      await eventually('a child without rights', 60_000, async () => {
        for (let i = 0; i < 10; i++, await sleep(10))
          for (const rights of rightsOfChildren(agent.pid)) seen.add(rights)
        return seen.has('none, and none to gain') ? true : undefined
      })
    },
    TEST_MS,
  )
})

/** What the children of a process hold. */
function rightsOfChildren(pid: number): string[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    .trim()
    .split(' ')
    .filter(Boolean)
  return children.flatMap((child) => {
    try {
      const status = readFileSync(`/proc/${child}/status`, 'latin1')
      const of = (key: string) => new RegExp(`^${key}:\\s*(\\S+)`, 'm').exec(status)?.[1]
      const held = of('CapPrm')
      return [/^0+$/.test(held ?? '') && of('NoNewPrivs') === '1' ? 'none, and none to gain' : `${held}`]
    } catch {
      return [] // it ended while we looked
    }
  })
}
