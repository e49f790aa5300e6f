import { filesBelow, isTest, readTop } from './files.js';

/** For our own tests alone. */
const OF_TESTS = new Set(['ROLLCALL_FAULTS', 'ROLLCALL_TEST_REDIS', 'ROLLCALL_TEST_MONGODB', 'ROLLCALL_TEST_REDIS_URL']);

describe('environment variables', () => {
  // "All of them" were said to be on the page, and five were not.
  it('that a program reads are all on docs/configuration.md', () => {
    const page = readTop('docs/configuration.md');
    const read = filesBelow(['services', 'shared'], ['.ts', '.mjs'])
      .filter((file) => !isTest(file))
      .flatMap(({ text }) => [...text.matchAll(/\benv\.(ROLLCALL_[A-Z_]+)|\b(ROLLCALL_[A-Z_]+):\s\w+.*\} = env\b/g)])
      .map(([, one, other]) => one ?? other!);
    expect(read.length).toBeGreaterThan(5);
    const missing = [...new Set(read)].filter((name) => !OF_TESTS.has(name) && !page.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });
});
