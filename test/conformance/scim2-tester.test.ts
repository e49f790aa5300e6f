import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startCluster } from '../support/cluster.js';
import { judge, NoTester, prepareTester, runTester } from './tester.js';

jest.setTimeout(150_000);

/** The interpreter, or why there is none. Looked for at once, so that a run without it is told as skipped. */
const found = ((): { interpreter: string } | { missing: string } => {
  try {
    return { interpreter: prepareTester(__dirname, process.env) };
  } catch (error) {
    if (!(error instanceof NoTester)) throw error;
    process.stderr.write(`scim2-tester is not run: ${error.message}\n`);
    return { missing: error.message };
  }
})();

describe('scim2-tester 0.5.2, written by others, against a started pair', () => {
  if ('missing' in found) it.skip(`finds nothing (skipped, as ${found.missing})`, () => undefined);
  else
    it('finds nothing, and what it skips is explained', async () => {
      await using cluster = await startCluster();
      const checks = await runTester(found.interpreter, __dirname, `${cluster.ingests[0]!.url}/scim/v2`, cluster.token('acme'));
      const { failures } = judge(checks, readFileSync(path.join(__dirname, '../../docs/scim.md'), 'utf8'));
      expect(failures).toEqual([]);
      expect(checks.filter(({ about }) => about === 'User').length).toBeGreaterThan(50);
    });
});
