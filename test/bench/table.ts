// Medians over the rounds, and how they are shown.

import type { EngineRow } from './engines.js';
import { percentile } from './load.js';
import type { Measured, Row } from './measure.js';
import { PROCESSES } from './usage.js';

export type Results = ReadonlyMap<Row, readonly Measured[]>;

export function table(results: Results): string {
  const head = ['row', 'what', 'per second', 'p50 ms', 'p99 ms', 'rounds', ...PROCESSES, 'load generator'];
  const rows = [...results].map(([{ key, title }, rounds]) => {
    const of = (value: (one: Measured) => number) => median(rounds.map(value));
    const rates = rounds.map(({ perSecond }) => perSecond).sort((a, b) => a - b);
    const costs = PROCESSES.map((name) => {
      const usages = rounds.flatMap(({ usage }) => usage.get(name) ?? []);
      if (usages.length === 0) return '–';
      return `${median(usages.map(({ cpu_s }) => cpu_s)).toFixed(3)} / ${median(usages.map(({ peak_MiB }) => peak_MiB)).toFixed(0)}`;
    });
    return [
      ...[key, title, count(median(rates)), of(({ load }) => percentile(load.latencies_ms, 0.5)).toFixed(2)],
      ...[of(({ load }) => percentile(load.latencies_ms, 0.99)).toFixed(2), `${count(rates[0]!)}–${count(rates.at(-1)!)}`],
      ...[...costs, of(({ load }) => (load.cpu_s / load.requests) * 1_000).toFixed(3)],
    ];
  });
  const notes = [...results].flatMap(([{ key }, rounds]) =>
    rounds
      .flatMap(({ note }) => note ?? [])
      .slice(-1)
      .map((note) => `${key}: ${note}.`),
  );
  return [
    `${aligned([head, ...rows])}\n`,
    'By process: CPU seconds per 1,000 requests / peak resident memory, MiB. Each figure is the median of the rounds.',
    ...notes,
  ].join('\n');
}

export function engineTable(results: ReadonlyMap<EngineRow, readonly number[]>): string {
  const rows = [...results].map(([{ key, title }, rates]) => {
    const sorted = [...rates].sort((a, b) => a - b);
    return [key, title, count(median(rates)), `${count(sorted[0]!)}–${count(sorted.at(-1)!)}`];
  });
  const compared = compare(new Map([...results].map(([{ key }, rates]) => [key, rates])), [['j1', 'j2', '≥ 50']]);
  return [aligned([['row', 'what', 'per second', 'rounds'], ...rows]), ...compared].join('\n');
}

/** What is compared, as far as its rows were measured, and what is wanted of it. */
const COMPARED: readonly Comparison[] = [
  ['b', 'a'],
  ['b', 'c', '≥ 2'],
  ['d', 'c'],
  ['f1', 'f2', '≤ 3'],
  ['f3', 'f4', '≤ 3'],
  ['h1', 'h2', 'about 1'],
  ['k1', 'k2', 'about 1'],
  ['k3', 'k4', 'about 1'],
];

type Comparison = readonly [over: string, under: string, wanted?: string];

/** Ratios of rates: the median of those within each round, so that drift hits both sides alike. */
export function ratios(results: Results): string {
  return compare(new Map([...results].map(([{ key }, rounds]) => [key, rounds.map(({ perSecond }) => perSecond)])), COMPARED).join('   ');
}

function compare(rates: ReadonlyMap<string, readonly number[]>, comparisons: readonly Comparison[]): string[] {
  return comparisons.flatMap(([over, under, wanted]) => {
    const [above, below] = [rates.get(over), rates.get(under)];
    if (!above || !below) return [];
    const ratio = median(above.map((rate, round) => rate / below[round]!)).toFixed(2);
    return `${over}/${under} = ${ratio}${wanted === undefined ? '' : ` (wanted: ${wanted})`}`;
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Columns under each other, text to the left, all else to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column < 2 ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}

/** A rate: to the whole number, where it has a few digits. */
export const count = (value: number): string => (value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US'));
