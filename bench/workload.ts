// One day of a fleet of 50 machines, made from two seeds: 42 for the model, 7·1,000,003 + w for window w, so that any window
// can be made alone. The numbers are those of the store's design; `workload.test.ts` holds them to 2 %.
//
//   service ─► 10,000 to 60,000 stacks, each grown out of an earlier one      (a trie of locations, shared by all)
//   pod     ─► service, node, weight, and the moment of its restart
//   window  ─► per node: load · cores · Hz · 10 s samples, each a pod by weight and a stack by Zipf's law
import { type Draw, uniform } from './uniform.ts'

export const NODES = 50
export const WINDOWS_A_DAY = 8_640
export const WINDOW_MS = 10_000
const DAY_START_MS = Date.UTC(2026, 10, 23)
const SAMPLES_AT_FULL_LOAD = 16 * 19 * 10 // cores · Hz · seconds of a window
const PODS = 1_000
const SERVICES = 40
const SHARED_FUNCTIONS = 10_000
const OWN_FUNCTIONS = 1_000
const ENTRY_FRAMES = 4
const DEPTH_MIN = 10
const DEPTH_MAX = 80
const CLIMB_DEPTH_MIN = 8
const ZIPF = 1.1
const COMMS_MAX = 4

export interface Model {
  /** The trie; node 0 is the empty stack, a parent has a smaller id. `location` is the function, one location each. */
  readonly parent: Int32Array
  readonly location: Int32Array
  readonly nodes: number
  readonly services: readonly {
    /** Trie node of a stack by its rank, the most frequent first. */
    readonly stackOfRank: Uint32Array
    readonly comms: number
  }[]
  readonly pods: readonly { readonly service: number; readonly weight: number; readonly restart: number }[]
  /** Series of a day. */
  readonly series: number
  /** Σ 1 ÷ k^1.1 up to rank i. */
  readonly zipf: Float64Array
}

/** Rows of one window; the rows of node n are nodeStart[n] … nodeStart[n + 1] - 1. */
export interface WindowRows {
  readonly window: number
  readonly samples: number
  readonly nodeStart: Uint32Array
  /** (pod · 2 + life) · 4 + comm. */
  readonly series: Uint32Array
  readonly stack: Uint32Array
  readonly count: Uint32Array
}

/** cost about 3 s and 150 MB */
export function makeModel(): Model {
  const draw = uniform(42)
  const trie = new TrieGrower()
  const services = Array.from({ length: SERVICES }, (_, service) => growService(trie, service, draw))
  const pods = Array.from({ length: PODS }, (_, pod) => ({
    service: pod < SERVICES ? pod : byWeight(SERVICE_WEIGHTS, draw()),
    weight: draw() ** 2 + 0.02,
    restart: Math.floor(draw() * WINDOWS_A_DAY),
  }))
  const ranks = Math.max(...services.map(({ stackOfRank }) => stackOfRank.length))
  const zipf = sums(Array.from({ length: ranks }, (_, i) => (i + 1) ** -ZIPF))
  const series = pods.reduce((sum, { service }) => sum + 2 * services[service]!.comms, 0)
  return { ...trie.columns(), services, pods, series, zipf }
}

/** cost about 30 ms */
export function makeWindow(model: Model, window: number): WindowRows {
  const draw = uniform(7 * 1_000_003 + window)
  const nodeStart = new Uint32Array(NODES + 1)
  const [series, stack, count]: number[][] = [[], [], []]
  let samples = 0
  for (let node = 0; node < NODES; node++) {
    const pods = Array.from({ length: PODS / NODES }, (_, i) => i * NODES + node)
    const weights = sums(pods.map((pod) => model.pods[pod]!.weight))
    const drawn = Math.round(SAMPLES_AT_FULL_LOAD * loadOf(node, window, draw()))
    const rows = new Map<number, number>()
    for (let i = 0; i < drawn; i++) {
      const pod = pods[byWeight(weights, draw())]!
      const { service, restart } = model.pods[pod]!
      const { stackOfRank, comms } = model.services[service]!
      const leaf = stackOfRank[byWeight(model.zipf, draw(), stackOfRank.length)]!
      const comm = (Math.imul(leaf, 0x9e3779b1) >>> 16) % comms
      const id = (pod * 2 + (window >= restart ? 1 : 0)) * COMMS_MAX + comm
      const key = id * 2 ** 26 + leaf
      rows.set(key, (rows.get(key) ?? 0) + 1)
    }
    for (const [key, sum] of rows) {
      series!.push(Math.floor(key / 2 ** 26))
      stack!.push(key % 2 ** 26)
      count!.push(sum)
    }
    samples += drawn
    nodeStart[node + 1] = series!.length
  }
  return {
    window,
    samples,
    nodeStart,
    series: Uint32Array.from(series!),
    stack: Uint32Array.from(stack!),
    count: Uint32Array.from(count!),
  }
}

export const windowStartMs = (window: number): number => DAY_START_MS + window * WINDOW_MS

export const serviceName = (service: number): string => `service-${service}`

/** Busy by day and by machine, with noise. */
function loadOf(node: number, window: number, draw: number): number {
  const ofDay = 1 + 0.45 * Math.sin(2 * Math.PI * (window / WINDOWS_A_DAY - 0.3))
  const ofNode = 0.7 + (0.6 * ((37 * node) % NODES)) / NODES
  return Math.min(1, 0.35 * ofDay * ofNode * (0.85 + 0.3 * draw))
}

const SERVICE_WEIGHTS = sums(Array.from({ length: SERVICES }, (_, service) => (service + 1) ** -0.8))

/** Eight seeds, then each stack out of an earlier one: up a few frames, down a few new ones. */
function growService(trie: TrieGrower, service: number, draw: Draw): Model['services'][number] {
  const ownFirst = SHARED_FUNCTIONS + service * OWN_FUNCTIONS
  const shared = () => Math.floor(SHARED_FUNCTIONS * draw() ** 3.5)
  const own = () => ownFirst + Math.floor(OWN_FUNCTIONS * draw() ** 2.2)
  // This order of draws: with others the same definition lands up to 8 % away, by the luck of 40 draws.
  const comms = COMMS_MAX - Math.floor(draw() * (COMMS_MAX - 1))
  const entries = Array.from({ length: ENTRY_FRAMES }, shared)
  const wanted = Math.floor(10_000 + 50_000 * draw() ** 1.6)
  const stacks: number[] = []
  for (let seed = 0; seed < 8; seed++) {
    const depth = 8 + Math.floor(draw() * 12)
    let node = 0
    for (let i = 0; i < depth; i++) node = trie.child(node, entries[i] ?? own())
    stacks.push(node)
  }
  const known = new Set(stacks)
  while (stacks.length < wanted) {
    let node = stacks[Math.floor(stacks.length * draw() ** 1.3)]!
    let climb = Math.floor(draw() * (draw() < 0.25 ? 25 : 5))
    while (climb-- > 0 && trie.depthOf(node) > CLIMB_DEPTH_MIN) node = trie.parentOf(node)
    const added = 1 + Math.floor(-3.2 * Math.log(1 - draw()))
    const depth = trie.depthOf(node) + added
    if (depth < DEPTH_MIN || depth > DEPTH_MAX) continue
    for (let i = 0; i < added; i++) {
      const isShared = draw() < (i >= added - 2 ? 0.5 : 0.15)
      node = trie.child(node, isShared ? shared() : own())
    }
    if (known.has(node)) continue
    known.add(node)
    stacks.push(node)
  }
  return { stackOfRank: shuffled(Uint32Array.from(stacks), draw), comms }
}

/** Interns (parent, location): open addressing over typed arrays, because it holds five million nodes. */
class TrieGrower {
  readonly #slots = new Int32Array(2 ** 24)
  readonly #parent = new Int32Array(2 ** 23)
  readonly #location = new Int32Array(2 ** 23)
  readonly #depth = new Uint8Array(2 ** 23)
  #nodes = 1

  child(parent: number, location: number): number {
    let slot = hash(parent, location) & (this.#slots.length - 1)
    for (let node = this.#slots[slot]!; node !== 0; node = this.#slots[slot]!) {
      if (this.#parent[node] === parent && this.#location[node] === location) return node
      slot = (slot + 1) & (this.#slots.length - 1)
    }
    const node = this.#nodes++
    if (node === this.#parent.length) throw new Error(`the workload's trie outgrew ${node} nodes`)
    this.#slots[slot] = node
    this.#parent[node] = parent
    this.#location[node] = location
    this.#depth[node] = this.#depth[parent]! + 1
    return node
  }

  depthOf = (node: number): number => this.#depth[node]!
  parentOf = (node: number): number => this.#parent[node]!

  columns() {
    const nodes = this.#nodes
    return { nodes, parent: this.#parent.subarray(0, nodes), location: this.#location.subarray(0, nodes) }
  }
}

function hash(parent: number, location: number): number {
  const mixed = Math.imul(parent ^ Math.imul(location + 1, 0x9e3779b1), 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}

/** Running sums. */
function sums(weights: readonly number[]): Float64Array {
  const out = new Float64Array(weights.length)
  let sum = 0
  weights.forEach((weight, i) => {
    sum += weight
    out[i] = sum
  })
  return out
}

/** The row that a draw falls on, among the first `n` rows of running sums. */
function byWeight(running: Float64Array, draw: number, n = running.length): number {
  const wanted = draw * running[n - 1]!
  let low = 0
  let high = n - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (running[middle]! > wanted) high = middle
    else low = middle + 1
  }
  return low
}

function shuffled(rows: Uint32Array, draw: Draw): Uint32Array {
  for (let i = rows.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1))
    const row = rows[i]!
    rows[i] = rows[j]!
    rows[j] = row
  }
  return rows
}
