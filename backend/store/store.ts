// What does the backend ask of its store? This interface, and nothing else of it: no SQL in, none out. DuckDB slots stand
// behind it today; Parquet blocks, rollups and other engines take their place behind the same interface.
// Ids of strings and stacks are opaque outside (part): each part of an answer is a closed world with its own tables.
import type { Matcher } from '#profile/labels/matcher'
import type { Labels } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import type { ProfileType } from '#profile/model/profile-type'
import type { FrameTrie } from '#profile/tree/call-tree'

/** 128-bit identity of a request: the first 16 bytes of SHA-256 over its route and inflated body, as lower-case hex. */
export type RequestKey = string

export interface AppendResult {
  /** False: the same request was committed before, nothing was written. */
  readonly stored: boolean
  readonly samples: number
}

export interface StackQuery {
  readonly type: ProfileType
  readonly matchers: readonly Matcher[]
  readonly fromMs: number
  readonly toMs: number
  /** Label names whose values split the answer; [] for one group. */
  readonly groupBy: readonly string[]
}

/** What one agent had counted when it wrote a request, cumulative since its start; in samples. */
export interface Account {
  readonly host: string
  /** Random per start: two runs never share one. */
  readonly agentId: string
  readonly startedMs: number
  /** By the agent's clock. */
  readonly reportedMs: number
  readonly expected: number
  readonly idle: number
  readonly received: number
  /** Left out on purpose, and lost by force. */
  readonly filtered: number
  readonly lost: number
}

/** Sums on one trie. Trie nodes are frames (function, file, mapping), inlining expanded, so folding merges by function. */
export interface StackSums {
  readonly trie: FrameTrie
  readonly groups: readonly {
    /** Values of `groupBy`, in its order, "" where missing. */
    readonly values: readonly string[]
    /** Trie nodes, ascending, and their sums in the type's unit. */
    readonly node: Uint32Array
    readonly sum: Float64Array
    /** Samples behind the sums (value ÷ scale). */
    readonly samples: number
  }[]
}

export interface SeriesQuery {
  readonly type: ProfileType
  readonly matchers: readonly Matcher[]
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
  readonly groupBy: readonly string[]
}

/** How far a group's sums can be trusted, over all its steps, in the type's unit; `frames` and `unnamed` are sums over
 *  stacks of value × frames, and × frames without a name. */
export interface QualitySums {
  readonly all: number
  readonly early: number
  readonly frames: number
  readonly unnamed: number
  readonly samples: number
}

/** Sums per group and step. `bucket[i]` = floor((window start − fromMs) ÷ stepMs) of row i, `group[i]` indexes `values`. */
export interface SeriesSums {
  readonly values: readonly (readonly string[])[]
  /** By group, as `values`. */
  readonly quality: readonly QualitySums[]
  readonly group: Uint32Array
  readonly bucket: Uint32Array
  readonly sum: Float64Array
  /** Buckets in which any series of the type reported, whatever the matchers. */
  readonly reported: Uint8Array
  readonly samples: number
}

/** One series seen in a range. */
export interface SeriesSeen {
  readonly type: ProfileType
  readonly labels: Labels
  readonly firstMs: number
  readonly lastMs: number
}

export interface Answer<T> {
  readonly value: T
  /** Files that could not be read: the answer is without them. */
  readonly unreadable: readonly string[]
}

export interface StoreStats {
  readonly files: number
  readonly bytes: number
  readonly oldestMs: number | undefined
  readonly newestMs: number | undefined
  readonly rows: number
  readonly quarantined: readonly string[]
}

export interface Store {
  /** Commits all profiles of one request in one transaction; resolves after the fsync.
   *  Values are multiplied by their period's scale (`storedType`). Throws ServiceError `storage_full` and the like. */
  append(request: {
    readonly key: RequestKey
    readonly profiles: readonly Profile[]
    readonly receivedMs: number
    /** Kept beside the rows of the profiles. */
    readonly accounts?: readonly Account[]
  }): Promise<AppendResult>
  /** One part per file that holds rows of the answer; tries differ between parts. */
  stackSums(query: StackQuery): Promise<Answer<readonly StackSums[]>>
  seriesSums(query: SeriesQuery): Promise<Answer<SeriesSums>>
  /** Distinct series with rows in the range, of all types if `type` is undefined. */
  series(query: {
    readonly type: ProfileType | undefined
    readonly matchers: readonly Matcher[]
    readonly fromMs: number
    readonly toMs: number
  }): Promise<Answer<readonly SeriesSeen[]>>
  /** Accounts reported in the range; the files that hold samples of it are asked. In no order. */
  accounts(range: { readonly fromMs: number; readonly toMs: number }): Promise<Answer<readonly Account[]>>
  /** Unlinks whole files beyond the retention of age and bytes; returns what it removed. */
  retain(nowMs: number): Promise<readonly string[]>
  stats(): Promise<StoreStats>
  close(): Promise<void>
}
