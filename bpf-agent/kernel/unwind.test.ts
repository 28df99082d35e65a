// Stacks by rows in the real kernel: a program in assembler whose every frame is laid out another way, rows written by
// hand, and the exact stack that must come out. Needs root (or BPF and PERFMON), clang and bpftool, gcc and nm.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { loadObject, verifiedInstructions } from './load.ts'
import { createMap, deleteElem, lookUpElem, mmapArray, unmapArray, updateElem } from './maps.ts'
import { constantOf, mapOf, type ObjectSpec, offsetOf, parseObjectSpec, sizeOf } from './object-spec.ts'
import { createSampler, type KernelSampler } from './sampler.ts'
import { closeFd } from './syscalls.ts'

const isHere = process.getuid?.() === 0 && process.arch === 'x64'
const work = mkdtempSync(path.join(tmpdir(), 'flametrail-unwind-'))
const children: ChildProcess[] = []

// It waits for a byte, so that its rows can be published; then two processes go the same way down to `leaf`, which is
// interrupted by a signal whose handler never returns. rbp holds 1 below `middle`: frame pointers lead nowhere.
const PROGRAM = `
.globl _start
.text
_start:     xor %eax, %eax              # read(0, …, 1)
            xor %edi, %edi
            lea -64(%rsp), %rsi
            mov $1, %edx
            syscall
            mov $57, %eax               # fork()
            syscall
            mov $13, %eax               # rt_sigaction(SIGUSR1, …)
            mov $10, %edi
            lea action(%rip), %rsi
            xor %edx, %edx
            mov $8, %r10d
            syscall
            call outer
            hlt
.globl outer
outer:      sub $24, %rsp
            call middle
outer_end:  hlt                         # middle never returns: what follows the call is another function
.globl middle
middle:     push %rbp
            push %rbx
            mov $1, %ebp
            call kept
            hlt
.globl kept                             # keeps a frame pointer, and no rows know it
kept:       push %rbp
            mov %rsp, %rbp
            call realigned
            hlt
.globl realigned
realigned:  lea 8(%rsp), %r10
            and $-64, %rsp
            push -8(%r10)
            push %rbp
            mov %rsp, %rbp
            push %r10
            sub $72, %rsp
realigned_body:
            call leaf
            hlt
.globl leaf
leaf:       push %rbx
leaf_body:  mov $39, %eax               # getpid()
            syscall
            mov %eax, %edi
            mov $10, %esi
            mov $62, %eax               # kill(getpid(), SIGUSR1)
            syscall
spin:       jmp spin
.globl handler
handler:    mov $1000, %ecx
1:          dec %ecx
            jnz 1b
            jmp handler
.globl restorer
restorer:   mov $15, %eax
            syscall
text_end:   nop
.data
action:     .quad handler, 0x44000000, restorer, 0   # SA_RESTORER, SA_NODEFER
.section .note.GNU-stack, "", @progbits
`

describe.skipIf(!isHere)('stacks by rows', () => {
  let spec: ObjectSpec
  let symbols: ReadonlyMap<string, number>
  beforeAll(() => {
    execFileSync(process.execPath, [path.join(import.meta.dirname, '../bpf/build.mjs'), work])
    const parsed = parseObjectSpec(readFileSync(path.join(work, 'x64.json'), 'utf8'))
    if (!parsed.ok) throw new Error(parsed.error.message)
    spec = parsed.value
    writeFileSync(path.join(work, 'program.s'), PROGRAM)
    execFileSync('gcc', ['-nostdlib', '-static', '-no-pie', '-o', 'program', 'program.s'], { cwd: work })
    symbols = new Map(
      execFileSync('nm', [path.join(work, 'program')])
        .toString()
        .split('\n')
        .map((line) => line.split(' '))
        .filter(([, , name]) => name !== undefined)
        .map(([value, , name]) => [name!, Number.parseInt(value!, 16)]),
    )
  })
  afterEach(() => {
    for (const child of children.splice(0)) process.kill(-child.pid!, 'SIGKILL') // with its fork
  })
  afterAll(() => {
    rmSync(work, { recursive: true, force: true })
  })

  const startTicksOf = (pid: number) =>
    Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')[19])

  /** What a process of this program needs in the maps. */
  function publish(running: KernelSampler, pid: number, startTicks = startTicksOf(pid)): () => void {
    const at = (name: string) => symbols.get(name)!
    const kind = (name: string) => constantOf(spec, 'rule_kind', name)
    const fp = (name: string) => constantOf(spec, 'fp_kind', name)
    const same = fp('FP_SAME')
    const rules = [
      { kind: kind('RULE_GAP'), fp: same, cfa: 0, fpOff: 0, aux: 0 },
      { kind: kind('RULE_ROOT'), fp: same, cfa: 0, fpOff: 0, aux: 0 },
      { kind: kind('RULE_SP'), fp: same, cfa: 8, fpOff: 0, aux: 0 },
      { kind: kind('RULE_SP'), fp: same, cfa: 32, fpOff: 0, aux: 0 },
      { kind: kind('RULE_SP'), fp: fp('FP_AT_CFA'), cfa: 24, fpOff: -16, aux: 0 },
      { kind: kind('RULE_DEREF'), fp: fp('FP_AT_FP'), cfa: 0, fpOff: 0, aux: -8 },
      { kind: kind('RULE_SP'), fp: same, cfa: 16, fpOff: 0, aux: 0 },
      { kind: kind('RULE_SIGNAL'), fp: same, cfa: 0, fpOff: 0, aux: 0 },
    ]
    // Prologues are executed once and not looked at: a row per body is enough. The trampoline's row begins one byte
    // early, as that of every C library.
    const rows: [number, number][] = [
      [at('_start'), 1],
      [at('outer'), 3],
      [at('middle'), 4],
      [at('kept'), 0],
      [at('realigned'), 5],
      [at('leaf'), 6],
      [at('handler'), 2],
      [at('restorer') - 1, 7],
      [at('text_end'), 0],
    ]
    const arrays: Buffer[] = []
    const array = (name: string) => {
      const { entries, valueBytes } = mapOf(spec, name)
      const memory = mmapArray(running.mapFd(name), entries * valueBytes)
      arrays.push(memory)
      return memory
    }
    const key = Buffer.alloc(8)
    const shard = createMap(mapOf(spec, 'rows').inner!, 'rows_0')
    const descriptor = Buffer.alloc(4)
    descriptor.writeInt32LE(shard)
    updateElem(running.mapFd('rows'), key, descriptor)
    const chunk = Buffer.alloc(mapOf(spec, 'rows').inner!.valueBytes)
    const FIRST = 7 // not 0: a forgotten base must not work by accident
    rows.forEach(([address, rule], i) => {
      chunk.writeUInt32LE((((address & 0xffff) << 16) | rule) >>> 0, 4 * (FIRST + i))
    })
    updateElem(shard, key, chunk)
    closeFd(shard) // the outer map holds it

    const ruleMap = array('rules')
    rules.forEach((rule, i) => {
      const to = (field: string) => i * sizeOf(spec, 'rule') + offsetOf(spec, 'rule', field)
      ruleMap.writeUInt8(rule.kind, to('kind'))
      ruleMap.writeUInt8(rule.fp, to('fp_kind'))
      ruleMap.writeInt16LE(rule.cfa, to('cfa'))
      ruleMap.writeInt16LE(rule.fpOff, to('fp_off'))
      ruleMap.writeInt16LE(rule.aux, to('aux'))
    })
    const PAGE = 3
    const pages = array('pages')
    const page = PAGE * sizeOf(spec, 'range')
    pages.writeUInt32LE(FIRST, page + offsetOf(spec, 'range', 'first'))
    pages.writeUInt32LE(rows.length, page + offsetOf(spec, 'range', 'n'))

    const text = Math.floor(at('_start') / 4096) * 4096
    const VMA = 5
    const vmas = array('vmas')
    // Three mappings, ours in the middle: the search must go both ways.
    ;[text - 0x10_0000, text, text + 0x10_0000].forEach((start, i) => {
      const to = (field: string) => (VMA + i) * sizeOf(spec, 'vma') + offsetOf(spec, 'vma', field)
      vmas.writeBigUInt64LE(BigInt(start), to('start'))
      vmas.writeUInt32LE(1, to('len_pages'))
      vmas.writeUInt32LE(text >>> 16, to('page_base'))
      vmas.writeUInt32LE(PAGE, to('first_page'))
      vmas.writeUInt32LE(i === 1 ? 1 : 0, to('n_pages'))
    })
    const process_ = Buffer.alloc(sizeOf(spec, 'proc'))
    process_.writeUInt32LE(VMA, offsetOf(spec, 'proc', 'first_vma'))
    process_.writeUInt32LE(3, offsetOf(spec, 'proc', 'n_vma'))
    process_.writeUInt32LE(startTicks >>> 0, offsetOf(spec, 'proc', 'start_ticks'))
    updateElem(running.mapFd('procs'), pidKey(pid), process_)
    return () => {
      for (const memory of arrays) unmapArray(memory)
    }
  }

  const pidKey = (pid: number) => {
    const key = Buffer.alloc(4)
    key.writeUInt32LE(pid)
    return key
  }

  function nameOf(address: number): string {
    let best = '?'
    let start = 0
    for (const [name, value] of symbols)
      if (value <= address && value > start) {
        best = name
        start = value
      }
    return best
  }

  const sampler = () =>
    createSampler({
      frequencyHz: 97,
      userFramesMax: 512,
      excludedCgroups: [],
      objectFolder: work,
      hasTables: true,
      monotonicMs: () => performance.now(),
    })

  function startProgram(): ChildProcess & { readonly pid: number } {
    const child = spawn(path.join(work, 'program'), {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    children.push(child)
    return child as ChildProcess & { readonly pid: number }
  }

  /** Samples until `count` stacks of the wanted processes are there.  out  by PID: "stop leaf … root" and how often */
  async function collect(running: KernelSampler, isWanted: (tgid: number) => boolean, count: number) {
    const found = new Map<number, Map<string, number>>()
    let n = 0
    for (let tries = 0; n < count && tries < 200; tries++) {
      await sleep(50)
      for (let batch = running.next(); batch.count > 0; batch = running.next())
        for (let i = 0; i < batch.count; i++) {
          const tgid = batch.tgid[i]!
          if (!isWanted(tgid)) continue
          const names: string[] = []
          for (let k = batch.frameStart[i]! + batch.kernelFrames[i]!; k < batch.frameStart[i + 1]!; k++)
            names.push(nameOf(batch.addressHigh[k]! * 2 ** 32 + batch.addressLow[k]!))
          const stack = [running.stopNames[batch.stop[i]!]!, ...names].join(' ')
          const stacks = found.get(tgid) ?? found.set(tgid, new Map()).get(tgid)!
          stacks.set(stack, (stacks.get(stack) ?? 0) + 1)
          n++
        }
    }
    return found
  }

  it('cost the verifier less than 20,000 instructions', () => {
    const object = loadObject(spec, readFileSync(path.join(work, 'x64.bin')))
    try {
      const work = new Map(spec.programs.map((name) => [name, verifiedInstructions(object.programFd(name))]))
      console.log([...work].map(([name, count]) => `${name} ${count}`).join(', '))
      expect(work.get('on_tick')).toBeGreaterThan(1000)
      expect(Math.max(...work.values())).toBeLessThan(20_000)
    } finally {
      object.close()
    }
  })

  it('come out exact through every kind of frame, in a fork too', { timeout: 30_000 }, async () => {
    const child = startProgram()
    const running = sampler()
    try {
      const unmap = publish(running, child.pid)
      running.start()
      child.stdin!.write('x')
      const family = new Set([child.pid])
      await sleep(20)
      for (const event of running.events()) if (family.has(event.parentTgid)) family.add(event.tgid)
      expect(family.size).toBe(2)
      const found = await collect(running, (tgid) => family.has(tgid), 100)
      for (const pid of family) {
        const stacks = found.get(pid)!
        const total = [...stacks.values()].reduce((sum, one) => sum + one, 0)
        // The trampoline is entered by a return: its own address is what counts.
        const exact = 'root handler restorer leaf_body realigned_body kept middle outer _start'
        const spun = exact.replace('leaf_body', 'spin')
        const good = (stacks.get(exact) ?? 0) + (stacks.get(spun) ?? 0)
        expect({ total, good, stacks }).toEqual({ total, good: total, stacks })
      }
      const { steps } = running.counters()
      expect(steps.get('signal')).toBeGreaterThan(50)
      expect(steps.get('fp_gap')).toBeGreaterThan(50)
      expect(steps.get('row')).toBeGreaterThan(6 * 50)
      unmap()
    } finally {
      running.close()
    }
  })

  it('are marked where nothing is published, or only for an earlier process of this PID', async () => {
    const child = startProgram()
    const running = sampler()
    try {
      const unmap = publish(running, child.pid, startTicksOf(child.pid) - 1)
      running.start()
      child.stdin!.write('x')
      const stacks = (await collect(running, (tgid) => tgid === child.pid, 10)).get(child.pid)!
      expect([...stacks.keys()].map((stack) => stack.split(' ')[0])).toEqual(['unknown'])
      expect([...stacks.keys()][0]).toMatch(/^unknown handler/)
      unmap()
    } finally {
      running.close()
    }
  })

  it('of a process that is to be skipped are filtered; an exec makes it unknown', async () => {
    const child = spawn('sh', ['-c', 'read x; exec sh -c "while :; do :; done"'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    children.push(child)
    const running = sampler()
    const pid = child.pid!
    try {
      await sleep(50)
      const value = Buffer.alloc(sizeOf(spec, 'proc'))
      value.writeUInt32LE(startTicksOf(pid), offsetOf(spec, 'proc', 'start_ticks'))
      value.writeUInt16LE(constantOf(spec, 'proc_flag', 'PROC_SKIP'), offsetOf(spec, 'proc', 'flags'))
      updateElem(running.mapFd('procs'), pidKey(pid), value)
      expect(lookUpElem(running.mapFd('procs'), pidKey(pid), Buffer.alloc(16))).toBe(true)
      child.stdin.write('x\n')
      running.start()
      const stacks = (await collect(running, (tgid) => tgid === pid, 5)).get(pid)!
      expect([...stacks.keys()].every((stack) => stack.startsWith('unknown '))).toBe(true)
      expect(lookUpElem(running.mapFd('procs'), pidKey(pid), Buffer.alloc(16))).toBe(false)
      expect(deleteElem(running.mapFd('procs'), pidKey(pid))).toBe(false)

      updateElem(running.mapFd('procs'), pidKey(pid), value)
      const before = running.counters().dropped.get('filtered')!
      await sleep(200)
      for (let batch = running.next(); batch.count > 0; batch = running.next());
      expect((await collect(running, (tgid) => tgid === pid, 0)).get(pid)).toBeUndefined()
      await sleep(200)
      expect(running.counters().dropped.get('filtered')!).toBeGreaterThan(before)
    } finally {
      running.close()
    }
  })
})
