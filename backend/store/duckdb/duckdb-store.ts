// How does a directory of DuckDB files become a Store? One file an hour of receipt; requests queue for the one writer, which
// commits them in groups; questions go to every file that may hold an answer.
import { statfsSync } from 'node:fs'
import path from 'node:path'
import type { Matcher } from '#profile/labels/matcher'
import type { Profile } from '#profile/model/profile'
import { ServiceError } from '../../errors.ts'
import type { Limits } from '../../limits.ts'
import { areKeysRemembered, hourOf, isExpired } from '../hours.ts'
import { type LabelTest, labelTest } from '../match-series.ts'
import { assertRequest, type KeyWords, keyWords, rowsOf, samplesOf } from '../request.ts'
import type {
  Account,
  Answer,
  AppendResult,
  RequestKey,
  SeriesQuery,
  SeriesSeen,
  SeriesSums,
  StackQuery,
  StackSums,
  Store,
  StoreStats,
} from '../store.ts'
import { Database } from './db.ts'
import {
  claimDirectory,
  listQuarantined,
  removeSlot,
  removeUnfinished,
  slotBytes,
  slotName,
  syncDirectory,
} from './directory.ts'
import { isDamage, isInvalidated, notCommitted, RETRY_AFTER_S, readableError } from './failures.ts'
import { mergeSeriesSeen, mergeSeriesSums } from './merge-series.ts'
import { openSlots, quarantine, takeOwnership } from './opening.ts'
import { Slot } from './slot.ts'
import { PendingRows, SlotWriter } from './slot-writer.ts'

export interface StoreOptions {
  readonly directory: string
  readonly limits: Limits
  readonly retention: { readonly ageMs: number; readonly bytes: number }
  readonly nowMs: number
  /** Told what went wrong and was handled: a quarantined file, a failed commit. One line each. */
  readonly report: (line: string) => void
}

interface Waiting {
  readonly key: KeyWords
  readonly profiles: readonly Profile[]
  readonly receivedMs: number
  readonly accounts: readonly Account[]
  readonly rows: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Opens a data directory, making it if it is new. Throws ServiceError `invalid` with one sentence if the directory is not
 *  ours, not readable, of another format, or held by another process. Damaged files never stop it: they go to quarantine. */
export async function openDuckDbStore(options: StoreOptions): Promise<DuckDbStore> {
  const { directory, limits } = options
  claimDirectory(directory)
  const db = await Database.open({
    directory,
    readersMost: limits.queriesRunning + 2, // two more for appends that look for a receipt and for status
    deadlineMs: limits.queryDeadline,
  })
  try {
    await takeOwnership(db, directory, options.report)
    removeUnfinished(directory)
    const slots = await openSlots(db, options)
    return await DuckDbStore.of(db, slots, options)
  } catch (error) {
    await db.close()
    throw error
  }
}

export class DuckDbStore implements Store {
  readonly #db: Database
  readonly #options: StoreOptions
  /** Oldest first. */
  #slots: Slot[]
  #writer: SlotWriter | undefined
  /** Files that are whole as far as we know and could not be attached: their answers are missing until they can. */
  readonly #away = new Set<string>()
  readonly #underWay = new Map<RequestKey, Promise<void>>()
  readonly #queue: Waiting[] = []
  #committing: Promise<void> | undefined
  #sequence = 0
  #closing = false

  static async of(db: Database, slots: Slot[], options: StoreOptions): Promise<DuckDbStore> {
    const store = new DuckDbStore(db, slots, options)
    const last = slots.at(-1)
    if (last !== undefined && last.hourMs >= hourOf(options.nowMs)) await store.#goOnWith(last)
    return store
  }

  private constructor(db: Database, slots: Slot[], options: StoreOptions) {
    this.#db = db
    this.#slots = slots
    this.#options = options
  }

  async append(request: {
    readonly key: RequestKey
    readonly profiles: readonly Profile[]
    readonly receivedMs: number
    readonly accounts?: readonly Account[]
  }): Promise<AppendResult> {
    const { key, profiles, receivedMs, accounts = [] } = request
    const words = keyWords(key)
    assertRequest(profiles)
    const samples = samplesOf(profiles)
    const first = this.#underWay.get(key)
    if (first !== undefined) {
      await first
      return { stored: false, samples }
    }
    if (this.#isKnown(words, receivedMs)) return { stored: false, samples }
    if (this.#closing)
      throw new ServiceError('stopping', 'the backend is stopping; send again', {
        retryAfterS: RETRY_AFTER_S,
      })
    const commit = new Promise<void>((resolve, reject) => {
      this.#queue.push({
        key: words,
        profiles,
        receivedMs,
        accounts,
        rows: rowsOf(profiles),
        resolve,
        reject,
      })
    })
    this.#underWay.set(key, commit)
    this.#committing ??= this.#drain()
    try {
      await commit
    } finally {
      this.#underWay.delete(key)
    }
    return { stored: true, samples }
  }

  async stackSums(query: StackQuery): Promise<Answer<readonly StackSums[]>> {
    const { answers, unreadable } = await this.#ask(query, (slot, matches) =>
      slot.stackSums({ ...query, matches }),
    )
    return { value: answers.filter((part) => part !== undefined), unreadable }
  }

  async seriesSums(query: SeriesQuery): Promise<Answer<SeriesSums>> {
    const { answers, unreadable } = await this.#ask(query, (slot, matches) =>
      slot.seriesSums({ ...query, matches }),
    )
    return { value: mergeSeriesSums(answers, query), unreadable }
  }

  async series(query: Parameters<Store['series']>[0]): Promise<Answer<readonly SeriesSeen[]>> {
    const { answers, unreadable } = await this.#ask(query, (slot, matches) =>
      slot.seriesSeen({ ...query, matches }),
    )
    return { value: mergeSeriesSeen(answers.flat()), unreadable }
  }

  async accounts(range: Parameters<Store['accounts']>[0]): Promise<Answer<readonly Account[]>> {
    const { answers, unreadable } = await this.#ask({ ...range, matchers: [] }, (slot) =>
      slot.accounts(range),
    )
    return { value: answers.flat(), unreadable }
  }

  async retain(nowMs: number): Promise<readonly string[]> {
    const { directory, retention } = this.#options
    await this.#fetchAway()
    for (const slot of this.#slots) if (!areKeysRemembered(slot.hourMs, nowMs)) slot.receipts = undefined
    const expired = this.#slots.filter((slot) => isExpired(slot, nowMs, retention.ageMs))
    const left = this.#slots.filter((slot) => !expired.includes(slot))
    const bytes = new Map(left.map((slot) => [slot, slotBytes(directory, slot.name)]))
    let total = [...bytes.values()].reduce((sum, size) => sum + size, 0)
    for (const slot of left) {
      if (total <= retention.bytes) break
      if (slot === this.#writer?.slot) continue // never the one that is written to
      expired.push(slot)
      total -= bytes.get(slot)!
    }
    for (const slot of expired) await this.#drop(slot, 'unlink')
    return expired.map((slot) => slot.name)
  }

  async stats(): Promise<StoreStats> {
    const { directory } = this.#options
    const filled = this.#slots.filter((slot) => slot.rows > 0)
    return {
      files: this.#slots.length,
      bytes: this.#slots.reduce((sum, slot) => sum + slotBytes(directory, slot.name), 0),
      oldestMs: filled.length === 0 ? undefined : Math.min(...filled.map((slot) => slot.firstMs)),
      newestMs: filled.length === 0 ? undefined : Math.max(...filled.map((slot) => slot.lastMs)),
      rows: filled.reduce((sum, slot) => sum + slot.rows, 0),
      quarantined: listQuarantined(directory),
    }
  }

  /** Commits what waits, then lets go of all files. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#committing
    await this.#db.close()
  }

  #isKnown(key: KeyWords, receivedMs: number): boolean {
    return this.#slots.some(
      ({ hourMs, receipts }) =>
        receipts !== undefined && areKeysRemembered(hourMs, receivedMs) && receipts.idOf(...key) !== -1,
    )
  }

  // Group commit: whoever comes while a commit runs waits for the next, which takes all of them.
  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      let rows = 0
      let taken = 0
      for (const { rows: own } of this.#queue) {
        if (taken > 0 && rows + own > this.#options.limits['store.commitRows']) break
        rows += own
        taken++
      }
      const group = this.#queue.splice(0, taken)
      try {
        await this.#commitGroup(group)
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    this.#committing = undefined
  }

  async #commitGroup(group: readonly Waiting[]): Promise<void> {
    this.#checkDisk()
    if (this.#away.size > 0) {
      // The keys of those files are not known now: what comes again would be stored twice. Next time, if they are back.
      await this.#fetchAway()
      throw notCommitted(new Error('a store file is away'))
    }
    const writer = await this.#writerFor(Math.max(...group.map(({ receivedMs }) => receivedMs)))
    const rows = new PendingRows()
    const taken = group.filter((waiting) => {
      try {
        writer.gather(rows, waiting)
        return true
      } catch (error) {
        waiting.reject(error)
        return false
      }
    })
    if (taken.length === 0) return
    writer.slot.pins++
    try {
      if ((await this.#commitSurely(writer, rows)) === 'committed') await writer.noteCommitted(rows)
    } finally {
      await this.#unpin(writer.slot)
    }
    for (const { resolve } of taken) resolve()
  }

  /** Commits, if need be a second time. After a failed write the file may be unusable in memory, though whole on the disk:
   *  then it is attached anew, and whether the rows are in it decides ('reopened': they are, and are counted). */
  async #commitSurely(writer: SlotWriter, rows: PendingRows): Promise<'committed' | 'reopened'> {
    const { report } = this.#options
    const key = rows.keys[0]!
    try {
      await writer.commit(rows)
      return 'committed'
    } catch (error) {
      report(`commit to ${writer.slot.name} failed: ${(error as Error).message}`)
      if (isInvalidated(error)) return this.#reopen(writer, key, error)
    }
    try {
      if (!(await writer.slot.holdsReceipt(key))) await writer.commit(rows)
      return 'committed'
    } catch (error) {
      report(`commit to ${writer.slot.name} failed again: ${(error as Error).message}`)
      if (isInvalidated(error)) return this.#reopen(writer, key, error)
      throw notCommitted(error)
    }
  }

  /** Lets go of a file that DuckDB has given up and attaches it anew, as after a restart. It is not written to again. */
  async #reopen(writer: SlotWriter, key: KeyWords, cause: unknown): Promise<'reopened'> {
    const old = writer.slot
    this.#writer = undefined
    this.#slots = this.#slots.filter((slot) => slot !== old)
    this.#away.add(old.name)
    await this.#db.detach(old.alias).catch((error) => this.#options.report((error as Error).message))
    await this.#fetchAway()
    const fresh = this.#slots.find((slot) => slot.name === old.name)
    if (fresh !== undefined && (await fresh.holdsReceipt(key))) return 'reopened'
    throw notCommitted(cause)
  }

  /** Attaches the files that could not be attached when they last were tried. */
  async #fetchAway(): Promise<void> {
    for (const name of this.#away) {
      try {
        const slot = await Slot.open(this.#db, this.#options.directory, name, this.#options.report)
        await slot.loadReceipts()
        this.#slots = [...this.#slots, slot].sort((one, other) => (one.name < other.name ? -1 : 1))
        this.#away.delete(name)
      } catch (error) {
        if (isDamage(error)) {
          this.#away.delete(name)
          quarantine(this.#options, name, (error as Error).message)
        } else this.#options.report(`${name} cannot be opened now: ${(error as Error).message}`)
      }
    }
  }

  #checkDisk(): void {
    const { directory, limits } = this.#options
    const { bavail, bsize } = statfsSync(directory)
    const free = bavail * bsize
    const least = limits['store.minFree']
    if (free >= least) return
    const MiB = (bytes: number) => Math.floor(bytes / 2 ** 20)
    throw new ServiceError(
      'storage_full',
      `the disk of the data directory has ${MiB(free)} MiB free; below ${MiB(least)} MiB nothing is taken in. ` +
        'Free some space, lower retention-size or limits.store.minFree',
      { key: 'limits.store.minFree', limit: least, got: free, retryAfterS: 30 },
    )
  }

  async #writerFor(receivedMs: number): Promise<SlotWriter> {
    const { limits, directory, report } = this.#options
    const open = this.#writer
    if (
      open !== undefined &&
      open.slot.hourMs >= hourOf(receivedMs) &&
      open.nodes < limits['store.fileNodes'] &&
      open.seriesCount < limits['store.fileSeries']
    )
      return open
    try {
      // Names sort by age, also when a clock was set back.
      const bornMs = Math.max(hourOf(receivedMs), open?.slot.hourMs ?? 0, this.#slots.at(-1)?.hourMs ?? 0)
      const name = slotName(bornMs, this.#sequence++)
      const slot = await Slot.create(this.#db, directory, name)
      this.#slots.push(slot)
      this.#writer = await SlotWriter.open(this.#db, slot)
    } catch (error) {
      report(`no new store file: ${(error as Error).message}`)
      throw notCommitted(error)
    }
    if (open !== undefined) await this.#db.checkpoint(open.slot.alias).catch(() => undefined)
    this.#trimDictionaries()
    return this.#writer
  }

  async #goOnWith(slot: Slot): Promise<void> {
    try {
      this.#writer = await SlotWriter.open(this.#db, slot)
    } catch (error) {
      if (!isDamage(error)) throw error
      await this.#drop(slot, 'quarantine', (error as Error).message)
    }
  }

  /** Asks every slot that may hold rows of the range, all at once. */
  async #ask<T>(
    query: { readonly matchers: readonly Matcher[]; readonly fromMs: number; readonly toMs: number },
    question: (slot: Slot, matches: LabelTest) => Promise<T>,
  ): Promise<{ readonly answers: readonly T[]; readonly unreadable: readonly string[] }> {
    const matches = labelTest(query.matchers)
    const slots = this.#slots.filter((slot) => slot.overlaps(query))
    const unreadable: string[] = [...this.#away]
    const answers = await Promise.all(
      slots.map(async (slot): Promise<readonly T[]> => {
        slot.pins++
        try {
          return [await question(slot, matches)]
        } catch (error) {
          if (!isDamage(error)) throw readableError(error)
          unreadable.push(slot.name)
          if (slot.dropped === undefined) await this.#drop(slot, 'quarantine', (error as Error).message)
          return []
        } finally {
          await this.#unpin(slot)
        }
      }),
    )
    this.#trimDictionaries()
    return { answers: answers.flat(1) as T[], unreadable: unreadable.sort() }
  }

  /** Takes a slot out of the store at once; its file goes when nobody reads it. */
  async #drop(slot: Slot, how: 'unlink' | 'quarantine', reason = ''): Promise<void> {
    slot.dropped = how
    slot.droppedWhy = reason
    this.#slots = this.#slots.filter((other) => other !== slot)
    if (this.#writer?.slot === slot) this.#writer = undefined
    if (slot.pins === 0) await this.#letGo(slot)
  }

  async #unpin(slot: Slot): Promise<void> {
    slot.pins--
    if (slot.pins === 0 && slot.dropped !== undefined) await this.#letGo(slot)
  }

  async #letGo(slot: Slot): Promise<void> {
    const { directory, report } = this.#options
    await this.#db.detach(slot.alias).catch((error) => report((error as Error).message))
    if (slot.dropped === 'quarantine') quarantine(this.#options, slot.name, slot.droppedWhy)
    else removeSlot(directory, slot.name)
    await syncDirectory(path.join(directory, 'slot'))
  }

  /** Lets dictionaries of older slots go, the least recently asked first, until the rest fits. */
  #trimDictionaries(): void {
    const most = this.#options.limits['store.cacheNodes']
    const idle = this.#slots.filter((slot) => slot !== this.#writer?.slot && slot.nodesInMemory > 0)
    let nodes = idle.reduce((sum, slot) => sum + slot.nodesInMemory, 0)
    for (const slot of idle.sort((one, other) => one.askedAt - other.askedAt)) {
      if (nodes <= most) break
      nodes -= slot.nodesInMemory
      slot.forgetDictionary()
    }
  }
}
