// Which CPUs are there? The kernel's lists ("0-3,8,10-11") as numbers.

/** Parses a CPU list; words that are none are left out, and at most 8,192 CPUs (the kernel's own limit) come back.
 *  out  ascending */
export function parseCpuList(text: string): number[] {
  const cpus = new Set<number>()
  for (const part of text.trim().split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim())
    if (match === null) continue
    const first = Number(match[1])
    const last = Math.min(Number(match[2] ?? first), 8191)
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu)
  }
  return [...cpus].sort((one, other) => one - other)
}
