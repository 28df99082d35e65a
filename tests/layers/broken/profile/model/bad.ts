import type { Bad } from '../tree/bad.ts'

export type Bad = Bad
