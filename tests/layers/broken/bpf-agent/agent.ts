import type { Bad } from '../backend/main.ts'

export type Bad = Bad
