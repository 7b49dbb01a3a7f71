import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@t2r/source'] },
  ssr: { resolve: { conditions: ['@t2r/source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts', 'tools/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
