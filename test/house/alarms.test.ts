import { createMetrics } from '@rollcall/telemetry';
import { parse } from 'yaml';
import { assertParses, metricsOf } from '../support/promql.js';
import { readTop } from './files.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}
const { groups } = parse(readTop('deploy/prometheus/alerts.yml')) as { groups: readonly { readonly rules: readonly Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

describe('the alarms', () => {
  it.each(rules)('$alert is PromQL, and asks for metrics that there are', async ({ expr }) => {
    assertParses(expr);
    const exported = (await createMetrics({ process: false }).registry.getMetricsAsJSON()).map(({ name }) => name);
    const known = new Set(['up', ...exported, ...exported.map((name) => `${name}_bucket`)]);
    expect(metricsOf(expr).length).toBeGreaterThan(0);
    expect(metricsOf(expr).filter((name) => !known.has(name))).toEqual([]);
  });

  it('are all in docs/operations.md, with what they say', () => {
    const rows = [...readTop('docs/operations.md').matchAll(/^\| `(Rollcall\w+)` +\| (.*?) +\|/gm)].map(([, alert, summary]) => [
      alert,
      summary,
    ]);
    expect(rows).toEqual(rules.map(({ alert, annotations }) => [alert, annotations.summary]));
  });

  it('scrape the jobs that the example names', () => {
    const { scrape_configs: jobs } = parse(readTop('deploy/prometheus/prometheus.yml')) as { scrape_configs: { job_name: string }[] };
    const asked = rules.flatMap(({ expr }) => [...expr.matchAll(/job="([^"]+)"/g)].map(([, job]) => job!));
    expect([...new Set(asked)].sort()).toEqual(jobs.map(({ job_name: name }) => name).sort());
  });
});
