import { defineConfig } from 'vitest/config'

// The real agent over this machine: one file after the other, and not beside other tests.
export default defineConfig({
  test: {
    include: ['tests/truth/**/*.truth.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 240_000,
  },
})
