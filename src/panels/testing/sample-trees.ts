// Trees for the browser tests: a small service whose every number is known, its later self, and a crowd of any size.
import type { CallTree, FrameTable } from '#profile/tree/call-tree'

/** One stack a line, root first, and its value in milliseconds. */
const SERVICE = `
main;serve;http.(*conn).serve;json.Marshal 120
main;serve;http.(*conn).serve;json.Marshal;reflect.Value.call 60
main;serve;http.(*conn).serve;shop/cart.Add;db::query::run;[vmlinux] entry_SYSCALL_64;[vmlinux] do_syscall_64;[vmlinux] ksys_read 150
main;serve;http.(*conn).serve;shop/cart.Add;db::query::run;[vmlinux] entry_SYSCALL_64;[vmlinux] do_syscall_64;[vmlinux] tcp_recvmsg 70
main;serve;http.(*conn).serve;shop/cart.Add;spin 180
main;serve;http.(*conn).serve;shop/cart.Add;std::vector<std::pair<int, int>>::push_back;memcpy 45
main;serve;http.(*conn).serve;user\u202einimda 15
main;gc.background;gc.mark 90
main;gc.background;gc.sweep 30
[truncated];epoll_wait 40
`
/** The same service after a change: `spin` doubled, `json.Marshal` halved, `gc.sweep` gone, `gc.assist` new. */
const CHANGED = SERVICE.replace('spin 180', 'spin 420')
  .replace('json.Marshal 120', 'json.Marshal 60')
  .replace('gc.sweep 30', 'gc.assist 50')

const MILLISECONDS = 1e6

export const serviceTree = (): CallTree => foldedTree(SERVICE)
export const changedTree = (): CallTree => foldedTree(CHANGED)

interface Branch {
  readonly children: Map<string, Branch>
  self: number
}

/** A tree from lines of stacks, the root alone from none; siblings in order of name. `[vmlinux] name` is a kernel frame. */
export function foldedTree(lines: string): CallTree {
  const root: Branch = { children: new Map(), self: 0 }
  for (const line of lines.split('\n').filter((text) => text !== '')) {
    const space = line.lastIndexOf(' ')
    let branch = root
    for (const name of line.slice(0, space).split(';')) {
      const next = branch.children.get(name) ?? { children: new Map(), self: 0 }
      branch.children.set(name, next)
      branch = next
    }
    branch.self += Number(line.slice(space + 1)) * MILLISECONDS
  }
  const rows: { depth: number; name: string; self: number; total: number }[] = []
  const visit = (branch: Branch, name: string, depth: number): number => {
    const row = { depth, name, self: branch.self, total: branch.self }
    rows.push(row)
    const children = [...branch.children].sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [childName, child] of children) row.total += visit(child, childName, depth + 1)
    return row.total
  }
  visit(root, 'total', 0)
  const names = [...new Set(rows.map((row) => row.name))]
  return {
    frames: frameTable(names),
    depth: Uint16Array.from(rows, (row) => row.depth),
    frame: Uint32Array.from(rows, (row) => names.indexOf(row.name)),
    self: Float64Array.from(rows, (row) => row.self),
    total: Float64Array.from(rows, (row) => row.total),
  }
}

function frameTable(names: readonly string[]): FrameTable {
  const isKernel = (name: string) => name.startsWith('[vmlinux] ')
  const isMark = (name: string) => name === 'total' || name === '[truncated]'
  return {
    name: names.map((name) => (isKernel(name) ? name.slice(10) : name)),
    file: names.map((name) => (name === 'spin' ? 'cart/spin.go' : '')),
    mapping: names.map((name) => (isKernel(name) ? 'vmlinux' : isMark(name) ? '' : 'shop')),
    kind: names.map((name) =>
      isKernel(name) ? 'kernel' : name === '[truncated]' ? 'abort-marker' : name === 'total' ? '' : 'native',
    ),
  }
}

/** A seeded tree of about `nodes` nodes with hot and cold paths, depth up to 60, 5,000 names. */
export function crowdTree(nodes: number): CallTree {
  let seed = 42
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32
  }
  const depth = new Uint16Array(nodes)
  const frame = new Uint32Array(nodes)
  for (let node = 1; node < nodes; node++) {
    const last = depth[node - 1]!
    const next = random() < 0.55 ? last + 1 : last - Math.floor(random() * 4)
    depth[node] = Math.min(60, Math.max(1, next))
    frame[node] = 1 + Math.floor(random() * 5_000)
  }
  const self = Float64Array.from({ length: nodes }, () => Math.floor(random() ** 8 * 1e9) + 1e5)
  self[0] = 0
  const total = self.slice()
  const childSum = new Float64Array(64)
  for (let node = nodes - 1; node >= 0; node--) {
    const level = depth[node]!
    total[node]! += childSum[level + 1]!
    childSum[level + 1] = 0
    childSum[level]! += total[node]!
  }
  const names = ['total', ...Array.from({ length: 5_000 }, (_, i) => `pkg${i % 40}/mod.Function${i}`)]
  return { frames: frameTable(names), depth, frame, self, total }
}
