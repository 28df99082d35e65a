// How do tests draw a view? A row of text is a row of the table; only tests use this.
import type { TopView } from './view.ts'

/** Makes a view of lines `self total name service [mapping]`, in samples, of ten seconds at 10 Hz.
 *  Services have the self values of their rows. */
export function drawView(text: string, change: Partial<TopView> = {}): TopView {
  const words = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row.length > 1)
  const column = (at: number) => words.map((row) => row[at] ?? '')
  const self = Float64Array.from(words, (row) => Number(row[0]))
  const services = new Map<string, number>()
  words.forEach((row, i) => {
    services.set(row[3]!, (services.get(row[3]!) ?? 0) + self[i]!)
  })
  const all = self.reduce((sum, value) => sum + value, 0)
  return {
    rows: {
      name: column(2),
      file: words.map(() => ''),
      mapping: column(4),
      service: column(3),
      self,
      total: Float64Array.from(words, (row) => Number(row[1])),
    },
    ...{ all, samples: all, seconds: 10, perCoreSecond: 10, services, endEarly: 0, cpus: 2, notes: [] },
    ...change,
  }
}
