import type { Other } from './cycle-other.ts'

export interface One {
  readonly next?: Other
}
