// Run with `node --experimental-vm-modules` (test/run.mjs does): the MongoDB driver and the trace exporter load parts by import().
// Two projects: unit tests lie beside their file, integration tests run against real servers.
import { fileURLToPath } from 'node:url';

const rootDir = fileURLToPath(new URL('..', import.meta.url));
const shared = {
  rootDir,
  testEnvironment: 'node',
  testTimeout: 60_000, // a busy machine is no failure; only what never ends is
  transform: {
    '^.+\\.[mc]?[jt]s$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } }],
  },
  transformIgnorePatterns: ['/node_modules/'],
  moduleNameMapper: {
    '^@rollcall/([a-z]+)$': '<rootDir>/shared/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
};

export default {
  rootDir,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/{shared,services}/*/src/**/*.test.ts', '<rootDir>/test/{house,oracles}/**/*.test.ts'],
      // The scripts are tested on a real server, and so is one oracle: they belong to the other project.
      testPathIgnorePatterns: ['/redis/scripts/', '/oracles/.*-mongo\\.test\\.ts$'],
    },
    {
      ...shared,
      displayName: 'integration',
      testMatch: [
        '<rootDir>/test/{integration,conformance}/**/*.test.ts',
        '<rootDir>/test/oracles/**/*-mongo.test.ts',
        '<rootDir>/shared/store/src/redis/scripts/**/*.test.ts',
      ],
      globalSetup: '<rootDir>/test/support/global-setup.mjs',
      globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
    },
  ],
};
