import { defineConfig } from 'vitest/config'

// One file after the other: each runs a real agent over this machine and must have it to itself.
export default defineConfig({
  test: {
    include: ['tests/e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
})
