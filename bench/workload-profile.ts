// How do rows of the workload become what agents send? Profiles with tables of their own, holding just what these rows
// need, as a request does.
import { NONE } from '#profile/model/ids'
import { type Labels, labelsOf } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { type Model, NODES, serviceName, WINDOW_MS, type WindowRows, windowStartMs } from './workload.ts'

const PERIOD_NS = Math.round(1e9 / 19)
const SHARED_FUNCTIONS = 10_000
const OWN_FUNCTIONS = 1_000

/** Makes profiles of one model; keeps scratch space of its size. */
export class ProfileMaker {
  readonly #model: Model
  /** Trie node → its row in the profile under way, or 0; likewise for locations. */
  readonly #rowOfNode: Int32Array
  readonly #rowOfLocation = new Int32Array(SHARED_FUNCTIONS + 40 * OWN_FUNCTIONS)

  constructor(model: Model) {
    this.#model = model
    this.#rowOfNode = new Int32Array(model.nodes)
  }

  /** The profile of all nodes of a window, or of one node.  cost O(trie nodes of the rows, sorted) */
  profileOf(rows: WindowRows, node?: number): Profile {
    const first = node === undefined ? 0 : rows.nodeStart[node]!
    const end = node === undefined ? rows.series.length : rows.nodeStart[node + 1]!
    const leaves = rows.stack.subarray(first, end)
    const { touched, stacks } = this.#stacksOf(leaves)
    const { used, tables } = this.#locationsOf(stacks.location)
    const labelSets = new Map<number, number>()
    const labels: Labels[] = []
    const labelSet = rows.series.subarray(first, end).map((series) => {
      const known = labelSets.get(series)
      if (known !== undefined) return known
      labelSets.set(series, labels.length)
      return labels.push(this.#labelsOf(series)) - 1
    })
    const timeMs = windowStartMs(rows.window)
    const profile: Profile = {
      type: CPU_SAMPLES,
      period: PERIOD_NS,
      timeMs,
      durationMs: WINDOW_MS,
      ...tables,
      stacks,
      labelSets: labels,
      samples: {
        stack: leaves.map((leaf) => this.#rowOfNode[leaf]!),
        labelSet,
        value: Float64Array.from(rows.count.subarray(first, end)),
        timeMs: new Float64Array(end - first).fill(timeMs),
      },
    }
    for (const id of touched) this.#rowOfNode[id] = 0
    for (const id of used) this.#rowOfLocation[id] = 0
    return profile
  }

  /** The paths of these leaves as a trie of their own; `location` still names the model's. */
  #stacksOf(leaves: Uint32Array) {
    const { parent, location } = this.#model
    const found: number[] = []
    for (const leaf of leaves)
      for (let id = leaf; id !== 0 && this.#rowOfNode[id] === 0; id = parent[id]!) {
        this.#rowOfNode[id] = 1
        found.push(id)
      }
    const touched = Uint32Array.from(found).sort() // parents have smaller ids, here as there
    const stacks = {
      parent: new Int32Array(touched.length + 1),
      location: new Int32Array(touched.length + 1),
    }
    stacks.parent[0] = NONE
    stacks.location[0] = NONE
    touched.forEach((id, i) => {
      this.#rowOfNode[id] = i + 1
      stacks.parent[i + 1] = this.#rowOfNode[parent[id]!]!
      stacks.location[i + 1] = location[id]!
    })
    return { touched, stacks }
  }

  /** Tables for these locations, which are renamed in place. Row i + 1 of `strings` names function i. */
  #locationsOf(column: Int32Array) {
    const used: number[] = []
    for (let i = 1; i < column.length; i++) {
      const id = column[i]!
      if (this.#rowOfLocation[id] === 0) this.#rowOfLocation[id] = used.push(id)
      column[i] = this.#rowOfLocation[id]! - 1
    }
    const binaries = [...new Set(used.map(binaryOf))]
    const binaryRow = new Map(binaries.map((binary, i) => [binary, i]))
    const strings = ['', ...used.map(functionName), ...binaries, 'native']
    const own = Uint32Array.from(used, (_, i) => i)
    const names = own.map((i) => i + 1)
    const nothing = new Uint32Array(used.length)
    const tables = {
      strings,
      functions: { name: names, systemName: names, file: nothing, startLine: nothing },
      mappings: {
        file: Uint32Array.from(binaries, (_, i) => used.length + 1 + i),
        buildId: new Uint32Array(binaries.length),
      },
      locations: {
        mapping: Int32Array.from(used, (id) => binaryRow.get(binaryOf(id))!),
        addressHigh: nothing,
        addressLow: Uint32Array.from(used, (id) => 0x40_0000 + 64 * id),
        kind: nothing.map(() => strings.length - 1),
        lineStart: Uint32Array.from({ length: used.length + 1 }, (_, i) => i),
      },
      lines: { function: own, line: nothing },
    }
    return { used, tables }
  }

  #labelsOf(series: number): Labels {
    const comm = series % 4
    const life = Math.floor(series / 4) % 2
    const pod = Math.floor(series / 8)
    const { service } = this.#model.pods[pod]!
    return labelsOf([
      ['host', `node-${pod % NODES}`],
      ['namespace', `ns-${service % 8}`],
      ['pod', `${serviceName(service)}-${pod}-${life}`],
      ['container.name', serviceName(service)],
      ['service_name', serviceName(service)],
      ['service.version', `1.${life}`],
      ['comm', `worker-${comm}`],
    ])
  }
}

const functionName = (id: number): string =>
  id < SHARED_FUNCTIONS
    ? `shared_function_${id}`
    : `${binaryOf(id)}_function_${(id - SHARED_FUNCTIONS) % OWN_FUNCTIONS}`

const binaryOf = (id: number): string =>
  id < SHARED_FUNCTIONS ? 'libshared.so' : serviceName(Math.floor((id - SHARED_FUNCTIONS) / OWN_FUNCTIONS))
