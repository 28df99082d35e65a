import { defineConfig } from 'vitest/config'

// Unit tests stand beside their files; end to end tests have a configuration of their own (tests/e2e).
export default defineConfig({
  test: {
    include: ['{profile,bpf-agent,backend,src,viewer,cli,tests,bench}/**/*.test.{ts,tsx}'],
    exclude: ['**/node_modules/**', 'tests/e2e/**', 'tests/layers/broken/**'],
    testTimeout: 30_000,
  },
})
