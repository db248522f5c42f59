/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/{unit,store,flow,conformance,browser,fault}/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  injectGlobals: false,
  restoreMocks: true,
  testTimeout: 60_000,
  maxWorkers: 2,
  globalSetup: '<rootDir>/test/support/jest-global-setup.ts',
  globalTeardown: '<rootDir>/test/support/jest-global-teardown.ts',
  reporters: ['default', '<rootDir>/test/support/line-reporter.mjs'],
  coverageProvider: 'v8',
  // Files that hold types alone count as 0 % under v8.
  collectCoverageFrom: [
    'src/**/*.ts',
    'db/**/*.ts',
    '!src/server.ts',
    '!**/schema.ts',
    '!src/policy/vocabulary.ts',
  ],
  coverageReporters: ['text-summary', 'lcov', 'json-summary'],
};
