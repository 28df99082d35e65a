// Which word was meant? The nearest one by typing mistakes: a letter more, less, other, or two swapped.

const WORD_MAX = 64 // nobody mistypes longer flags, and the cost is the product of the lengths

/** The candidate with the fewest typing mistakes, if they are at most a third of the word (at least 2); else undefined. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > WORD_MAX) return undefined
  let best: string | undefined
  let fewest = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const mistakes = countMistakes(word, candidate)
    if (mistakes < fewest) {
      fewest = mistakes
      best = candidate
    }
  }
  return best
}

/** Optimal string alignment distance; three rows of the table are enough. */
function countMistakes(typed: string, meant: string): number {
  let beforeLast = new Array<number>(meant.length + 1).fill(0)
  let last = Array.from({ length: meant.length + 1 }, (_, j) => j)
  for (let i = 1; i <= typed.length; i++) {
    const row = [i]
    for (let j = 1; j <= meant.length; j++) {
      const other = typed[i - 1] === meant[j - 1] ? 0 : 1
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + other)
      const isSwap = i > 1 && j > 1 && typed[i - 1] === meant[j - 2] && typed[i - 2] === meant[j - 1]
      if (isSwap) cost = Math.min(cost, beforeLast[j - 2]! + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[meant.length]!
}
