import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Cluster, startCluster } from '../support/cluster.js';

interface Scenario {
  readonly name: string;
  readonly steps: readonly { readonly path: string }[];
}

interface Report {
  readonly scenarios: readonly {
    readonly steps: readonly { readonly name: string; readonly reasons: readonly string[]; readonly request?: unknown }[];
  }[];
}

const run = promisify(execFile);
const files = ['okta', 'entra', 'reports'].flatMap((idp) =>
  readdirSync(path.join(__dirname, idp))
    .sort()
    .map((file) => path.join(idp, file)),
);
const scenarios = files.map((file) => ({ file, scenario: JSON.parse(readFileSync(path.join(__dirname, file), 'utf8')) as Scenario }));

/** What Okta and Entra really send, and what users of other receivers reported (test/conformance/README.md), against a started pair. */
describe('identity providers', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each(scenarios.map(({ file, scenario }) => [file, scenario.name]))(
    '%s: %s',
    async (file) => {
      const base = `${cluster.ingests[0]!.url}/scim/v2`;
      const replay = [path.join(__dirname, 'replay.mjs'), base, cluster.token('acme'), path.join(__dirname, file), '--report', 'json'];
      const { stdout } = await run(process.execPath, replay).catch((failed: { stdout: string }) => failed);
      const report = JSON.parse(stdout) as Report;
      const failed = report.scenarios.flatMap(({ steps }) => steps.filter(({ reasons }) => reasons.length > 0));
      expect(failed.map(({ name, reasons }) => ({ name, reasons }))).toEqual([]);
      expect(report.scenarios[0]?.steps.length).toBeGreaterThan(0);
    },
    30_000,
  );
});
