// The expected values are those of Prometheus 2.42 (`promtool test rules` on the same series).
import { assertParses, metricsOf, parseExposition, Scraped } from '../support/promql.js';

const gauge = (values: string) => values.split(' ').map((value) => (value === '_' ? undefined : Number(value)));

/** Scrapes each 15 s; `_`: the series is not there. */
function scraped(): Scraped {
  const series: Record<string, Record<string, (number | undefined)[]>> = {
    a: {
      'c_total{k="x"}': gauge('0 1 2 10 10 3 4'),
      'c_total{k="y"}': gauge('0 0 0 0 0 0 0'),
      born_total: gauge('_ _ _ 1 1 1 1'),
      g: gauge('5 6 7 8 9 10 11'),
      'l_bucket{urgent="true",le="0.5"}': gauge('0 0 0 5 5 5 5'),
      'l_bucket{urgent="true",le="1"}': gauge('0 0 0 5 5 7 7'),
      'l_bucket{urgent="true",le="2"}': gauge('0 0 0 5 8 12 12'),
      'l_bucket{urgent="true",le="+Inf"}': gauge('0 0 0 5 8 12 12'),
    },
    b: { g: gauge('1 1 1 _ _ _ _') },
  };
  const all = new Scraped();
  for (let round = 0; round < 7; round += 1) {
    for (const [job, ofJob] of Object.entries(series)) {
      const lines = Object.entries(ofJob).flatMap(([name, values]) => (values[round] === undefined ? [] : [`${name} ${values[round]}`]));
      all.add(round * 15, { job }, ['# HELP of all', ...lines].join('\n'));
    }
  }
  return all;
}

describe('an expression of an alarm', () => {
  it.each<[expression: string, at_s: number, values: number[]]>([
    ['increase(c_total[1m])', 90, [12, 0]],
    ['rate(c_total[5m])', 90, [0.04666666666666667, 0]],
    ['sum(increase(c_total{k=~"x|y"}[45s]))', 100, [6]],
    ['increase(born_total[1m])', 90, [0]],
    ['max(g)', 90, [11]],
    ['min by (job) (g) < 100', 90, [11]],
    ['min by (job) (g) < 10', 90, []],
    ['absent(g{job="b"})', 90, [1]],
    ['absent(g{job="a"})', 90, []],
    ['histogram_quantile(0.99, sum by (le) (rate(l_bucket{urgent="true"}[5m])))', 90, [1.976]],
    ['histogram_quantile(0.5, sum by (le) (rate(l_bucket[1m]))) > 1', 90, []],
    ['sum without (k) (c_total) / 2', 90, [2]],
    ['g unless g{job="b"}', 15, [6]],
    ['g{job="zz"} or g{job="a"}', 15, [6]],
    ['g and g{job="b"}', 15, [1]],
    ['up == 1', 90, [1, 1]],
  ])('is evaluated as Prometheus does: %s', (expression, at_s, values) => {
    const found = scraped().evaluate(expression, at_s);
    expect(found).toHaveLength(values.length);
    for (const [index, { value }] of found.entries()) expect(value).toBeCloseTo(values[index]!, 10);
  });

  it('finds a target that does not answer down, and its series gone', () => {
    const all = scraped();
    all.add(105, { job: 'a' }, undefined);
    expect(all.evaluate('up == 0', 105)).toEqual([{ labels: { __name__: 'up', job: 'a' }, value: 0 }]);
    expect(all.evaluate('c_total', 105)).toEqual([]);
    expect(all.evaluate('absent(up{job="a"} == 1)', 105)).toEqual([{ labels: {}, value: 1 }]);
  });

  // A row of a table ended at the bare | of an expression, so that half of it was copied.
  it.each(['sum(rate(x{status=~"503', 'max(x) >', 'sum by le (x)', ''])('is refused where it does not parse: %s', (expression) => {
    expect(() => assertParses(expression)).toThrow('not PromQL');
  });

  it.each(['topk(1, g)', 'g > on (job) g', 'g offset 5m', 'quantile(0.5, g)'])(
    'is refused where it is not evaluated here: %s',
    (expression) => {
      expect(() => scraped().evaluate(expression, 90)).toThrow(/not evaluated here|expected a vector/);
    },
  );

  it('names the metrics that it asks for', () => {
    expect(metricsOf('sum(rate(a_total{x="y"}[5m])) > 1 or absent(b)')).toEqual(['a_total', 'b']);
  });
});

it('a scraped text with a line that is no sample is refused', () => {
  expect(parseExposition('a{b="c\\"d",e="f"} 1.5\n# TYPE a gauge\n\n')).toEqual([
    { labels: { __name__: 'a', b: 'c"d', e: 'f' }, value: 1.5 },
  ]);
  expect(() => parseExposition('a b c d')).toThrow('not a sample');
});
