// Medians over the rounds, and how they are shown.
import { percentile } from './load.js';
import type { Measured, Row } from './rows.js';
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
  return `${aligned([head, ...rows])}\n\nBy process: CPU seconds per 1,000 requests / peak resident memory, MiB. Each figure is the median of the rounds.`;
}

/** b/a, b/c and d/c, as far as their rows were measured: the median of the ratios within each round, so that drift hits both sides alike. */
export function ratios(results: Results): string {
  const byKey = new Map([...results].map(([{ key }, rounds]) => [key, rounds]));
  return [
    ['b', 'a'],
    ['b', 'c'],
    ['d', 'c'],
  ]
    .flatMap(([over, under]) => {
      const [above, below] = [byKey.get(over!), byKey.get(under!)];
      if (!above || !below) return [];
      return `${over}/${under} = ${median(above.map(({ perSecond }, round) => perSecond / below[round]!.perSecond)).toFixed(2)}`;
    })
    .join('   ');
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

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
