// A program whose profile is known by heart: a shop that answers requests, half a CPU busy, with kernel frames below its
// reads and writes. Two versions of it: in the second, the checksum takes twice as long.
import type { CallTree, FrameTable } from '#profile/tree/call-tree'

interface Call {
  readonly name: string
  readonly mapping: string
  /** Its own time; a unit is a thousandth of a minute of CPU. */
  readonly selfMs: number
  readonly calls: readonly Call[]
}

const call = (mapping: string, name: string, selfMs: number, ...calls: readonly Call[]): Call => ({
  name,
  mapping,
  selfMs,
  calls,
})
const shop = (name: string, selfMs: number, ...calls: readonly Call[]) => call('shop', name, selfMs, ...calls)
const libc = (name: string, selfMs: number, ...calls: readonly Call[]) =>
  call('libc.so.6', name, selfMs, ...calls)
const kernel = (name: string, selfMs: number, ...calls: readonly Call[]) =>
  call('vmlinux', name, selfMs, ...calls)

const syscall = (name: string, ...calls: readonly Call[]) =>
  kernel('entry_SYSCALL_64', 8, kernel('do_syscall_64', 12, kernel(name, 20, ...calls)))

function program(checksumMs: number): Call {
  const read = libc(
    'read',
    20,
    syscall(
      'ksys_read',
      kernel('vfs_read', 60, kernel('ext4_file_read_iter', 140, kernel('copy_page_to_iter', 310))),
    ),
  )
  const write = libc(
    'write',
    10,
    syscall('ksys_write', kernel('sock_write_iter', 40, kernel('tcp_sendmsg', 190, kernel('tcp_push', 120)))),
  )
  const parse = shop(
    'parseRequest(std::string_view)',
    240,
    shop('Headers::insert', 160, libc('malloc', 130), libc('memmove', 90)),
    shop('decodeUtf8', 210),
  )
  const price = shop(
    'priceOf(Basket const&)',
    320,
    shop('applyDiscounts', 280, shop('applyDiscounts', 120, shop('Rule::matches', 90))),
    shop('roundHalfEven', 60),
  )
  const answer = shop(
    'sendAnswer',
    70,
    shop('checksum', checksumMs),
    shop('toJson', 410, libc('memmove', 150)),
    write,
  )
  const serve = shop(
    'serveRequest',
    90,
    parse,
    shop('loadBasket', 110, read, shop('checksum', 130)),
    price,
    answer,
  )
  const worker = shop(
    'workerLoop',
    40,
    serve,
    libc('pthread_cond_wait', 30, syscall('do_futex', kernel('schedule', 150))),
  )
  return call(
    '',
    'total',
    0,
    shop('_start', 0, libc('__libc_start_main', 0, shop('main', 10, worker))),
    kernel('kthread', 20, kernel('worker_thread', 90)),
  )
}

const MS = 60_000_000 // nanoseconds: a minute of the program for each second of the table

/** The call tree of one version, in nanoseconds; siblings in the order that CallTree asks for. */
export function sampleTree(version: 'before' | 'after'): CallTree {
  const names: string[] = []
  const mappings: string[] = []
  const frameOf = new Map<string, number>()
  const depth: number[] = []
  const frame: number[] = []
  const self: number[] = []
  const total: number[] = []
  const visit = (node: Call, level: number): number => {
    const key = `${node.name}\u0000${node.mapping}`
    if (!frameOf.has(key)) {
      frameOf.set(key, names.push(node.name) - 1)
      mappings.push(node.mapping)
    }
    const row = depth.push(level) - 1
    frame.push(frameOf.get(key)!)
    self.push(node.selfMs * MS)
    total.push(0)
    const calls = [...node.calls].sort((one, other) => (one.name < other.name ? -1 : 1))
    total[row] = node.selfMs * MS + calls.reduce((sum, callee) => sum + visit(callee, level + 1), 0)
    return total[row]!
  }
  visit(program(version === 'before' ? 420 : 1_260), 0)
  const frames: FrameTable = {
    name: names,
    mapping: mappings,
    file: names.map((_, i) => (mappings[i] === 'shop' ? 'shop/server.cc' : '')),
    kind: mappings.map((mapping) => (mapping === 'vmlinux' ? 'kernel' : mapping === '' ? '' : 'native')),
  }
  return {
    frames,
    depth: Uint16Array.from(depth),
    frame: Uint32Array.from(frame),
    self: Float64Array.from(self),
    total: Float64Array.from(total),
  }
}
