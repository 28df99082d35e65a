import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, expect, it } from 'vitest'
import { createFamily } from './family.ts'
import { readStat } from './proc.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A shell that waits for a sleeping child of its own, and the child's PID. */
async function shellWithChild() {
  const shell = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(shell)
  const [line] = (await once(createInterface({ input: shell.stdout! }), 'line')) as [string]
  return { shell: shell.pid!, child: Number(line) }
}

it('holds a process and what it has begun, and nobody else', async () => {
  const { shell, child } = await shellWithChild()
  const family = createFamily()
  expect(family.add(shell)).toBe(true)
  expect(family.has(shell, readStat(shell)!.startTicks)).toBe(true)
  expect(family.has(child, readStat(child)!.startTicks)).toBe(true)
  expect(family.has(process.pid, readStat(process.pid)!.startTicks)).toBe(false)
  expect(family.living).toBe(2)
  process.kill(child)
})

it('knows no process that is not there', () => {
  const family = createFamily()
  expect(family.add(2 ** 22 + 1)).toBe(false) // above the largest PID that Linux gives
  expect(family.living).toBe(0)
})

it('grows by forks of members and keeps the ended until their samples have been read', () => {
  const family = createFamily(() => [])
  family.add(process.pid)
  family.onFork(process.pid, 900_001, 7)
  family.onFork(900_001, 900_002, 8)
  family.onFork(555_555, 900_003, 9) // of a stranger
  expect([family.has(900_001, 7), family.has(900_002, 8), family.has(900_003, 9)]).toEqual([
    true,
    true,
    false,
  ])
  expect(family.has(900_001, 8)).toBe(false) // the PID's next owner
  family.onExit(900_001, 7)
  family.onExit(900_002, 1) // another process that had this PID
  expect(family.living).toBe(2)
  family.settle()
  expect(family.has(900_001, 7)).toBe(true)
  family.settle()
  expect(family.has(900_001, 7)).toBe(false)
  family.onFork(900_001, 900_004, 10) // nobody follows the dead
  expect(family.has(900_004, 10)).toBe(false)
  expect(family.has(900_002, 8)).toBe(true)
})
