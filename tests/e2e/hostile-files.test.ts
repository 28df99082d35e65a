import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Profile } from '#profile/model/profile'
import { expectModest, neighbourIsSeen } from './attack.ts'
import { type Burner, NO_FRAME_POINTERS, startBurner } from './burner.ts'
import { type CraftedElf, ehFrameOf, ehFrameSection, writeElf } from './crafted-elf.ts'
import { eventually } from './stream.ts'
import { createVillains, type Villains } from './villain.ts'
import { startWatchedAgent, valueIn, type WatchedAgent } from './watched-agent.ts'

const MIB = 1024 * 1024

let villains: Villains
let neighbour: Burner
let agent: WatchedAgent
beforeAll(async () => {
  villains = createVillains()
  neighbour = await startBurner(NO_FRAME_POINTERS)
  agent = await startWatchedAgent()
  await neighbourIsSeen(agent, neighbour)
}, 240_000)
afterAll(async () => {
  await agent.stop()
  await villains.end()
  await neighbour.stop()
})

const at = (name: string) => path.join(villains.folder, name)

/** advance_loc 1, def_cfa_offset n: a row every three bytes. */
const rowsProgram = (rows: number) =>
  Uint8Array.from({ length: 3 * rows }, (_, i) => [0x41, 0x0e, 8 + 8 * (Math.floor(i / 3) % 15)][i % 3]!)

/** What each file is, and the metric that tells of its refusal; none: it is read, and harmless. */
const FILES: Readonly<Record<string, { readonly elf: CraftedElf; readonly refused?: string }>> = {
  'says that it has four billion sections': {
    elf: { sectionCount: 2 ** 32 - 1 },
    refused: 'table_refused_total{reason="no_rows"}',
  },
  'has 60,000 sections in a hole of it': {
    elf: { sectionCount: 60_000, fileBytes: 64 * MIB },
    refused: 'table_refused_total{reason="no_rows"}',
  },
  'is a hole of a terabyte with sections at its end': {
    elf: { fileBytes: 2 ** 40, sectionsAt: 2 ** 40 - 4096, sections: [ehFrameSection(ehFrameOf(100))] },
  },
  'has an .eh_frame of 65 MiB': {
    elf: { sections: [ehFrameSection(ehFrameOf(100), { size: 65 * MIB })], fileBytes: 80 * MIB },
    refused: 'table_refused_total{reason="eh_frame"}',
  },
  'has an .eh_frame of 60 MiB of nothing': {
    elf: { sections: [ehFrameSection(new Uint8Array(), { size: 60 * MIB })], fileBytes: 80 * MIB },
    refused: 'table_refused_total{reason="no_rows"}',
  },
  'has three million functions in its .eh_frame': {
    elf: { sections: [ehFrameSection(ehFrameOf(3_000_000))], textBytes: 2 ** 30 },
    refused: 'table_refused_total{reason="eh_frame"}',
  },
  'has ten million rows in its .eh_frame': {
    elf: { sections: [ehFrameSection(ehFrameOf(70_000, rowsProgram(150)))], textBytes: 2 ** 30 },
    refused: 'table_refused_total{reason="eh_frame"}',
  },
  'has FDEs that are their own CIE': {
    elf: { sections: [ehFrameSection(cyclicEhFrame())] },
    refused: 'table_refused_total{reason="eh_frame"}',
  },
  'has a name of 100 MB': {
    elf: namesOf100Mb(),
  },
  'says that it has five million symbols': {
    elf: {
      sections: [
        { name: '.text', type: 1, flags: 6, address: 0, offset: 0, size: 0x4000 },
        { name: '.symtab', type: 2, entrySize: 24, link: 3, size: 24 * 5_000_000 },
        { name: '.strtab', type: 3, bytes: new Uint8Array(1) },
      ],
      fileBytes: 200 * MIB,
    },
    refused: 'binaries_refused_total{reason="symbols"}',
  },
  'climbs out of folders by its build ID': {
    elf: {
      buildId: new TextEncoder().encode('../../../../etc/shadow'),
      sections: [ehFrameSection(ehFrameOf(100))],
    },
  },
}

/** FDEs whose CIE pointer leads to themselves, and CIEs between them, 20,000 of each. */
function cyclicEhFrame(): Uint8Array {
  const bytes = Buffer.alloc(24 + 40_000 * 20)
  bytes.set(ehFrameOf(0))
  for (let i = 0, at = 24; i < 40_000; i++, at += 20) {
    bytes.writeUInt32LE(16, at)
    bytes.writeUInt32LE(i % 2 === 0 ? 4 : at - 20, at + 4)
  }
  return bytes
}

/** One symbol, and its name goes on for 100 MB. */
function namesOf100Mb(): CraftedElf {
  const symbols = Buffer.alloc(48)
  symbols.writeUInt32LE(1, 24) // its name begins there
  symbols.set([0x12, 0, 1, 0], 28) // a global function of section 1
  symbols.writeBigUInt64LE(0x4000n, 40)
  return {
    sections: [
      { name: '.text', type: 1, flags: 6, address: 0, offset: 0, size: 0x4000 },
      { name: '.symtab', type: 2, entrySize: 24, link: 3, bytes: symbols },
      { name: '.strtab', type: 3, bytes: new Uint8Array(100_000_000).fill(0x41) },
    ],
  }
}

describe('a process that maps an ELF file that', () => {
  let profiles: readonly Profile[]
  beforeAll(async () => {
    for (const [i, { elf }] of Object.values(FILES).entries()) writeElf(at(`crafted-${i}`), elf)
    const report = await expectModest({ agent, neighbour }, async () => {
      for (let i = 0; i < Object.keys(FILES).length; i++) await villains.start('map', at(`crafted-${i}`), 4)
      await eventually('everything is refused that is to be', 60_000, async () => {
        const metrics = await agent.metrics()
        return Object.values(FILES).every(({ refused }) => !refused || valueIn(metrics, refused) > 0)
          ? true
          : undefined
      }).catch(() => {}) // the tests below say what is missing
    })
    profiles = [...agent.profiles, ...report.profiles]
  }, 240_000)

  it.each(Object.entries(FILES))('%s is refused under a reason, or harmless', async (_, { refused }) => {
    if (refused !== undefined) expect([refused, await agent.metric(refused)]).not.toEqual([refused, 0])
  })

  it('says a build ID has it shown as hexadecimal digits, and as nothing else', () => {
    const found = profiles.flatMap(({ mappings, strings }) =>
      [...mappings.buildId].map((row) => strings[row]!),
    )
    expect(found).toContain(Buffer.from('../../../../etc/shadow').toString('hex'))
    for (const buildId of found) expect(buildId).toMatch(/^[0-9a-f]*$/)
  })

  it('calls a function by 100 MB has 4 KiB of it shown', () => {
    const names = profiles.flatMap(({ functions, strings }) =>
      [...functions.name].map((row) => strings[row]!),
    )
    expect(names).toContain('A'.repeat(4096))
    expect(Math.max(...names.map(({ length }) => length))).toBeLessThanOrEqual(4096)
  })
})
