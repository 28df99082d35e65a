import type { One } from './cycle-one.ts'

export interface Other {
  readonly next?: One
}
