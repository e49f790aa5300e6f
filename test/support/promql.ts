// Evaluates the PromQL of the alarms on scraped metrics. The grammar is Prometheus's own; what is not evaluated here throws, so that no alarm passes unread.
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

export type Labels = Readonly<Record<string, string>>;
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

interface Point {
  readonly at_s: number;
  /** undefined: the series ended here (a staleness marker). */
  readonly value: number | undefined;
}
interface Series {
  readonly labels: Labels;
  readonly points: Point[];
}

/** What Prometheus would have stored: samples of targets by the time of their scrape. */
export class Scraped {
  readonly #series = new Map<string, Series>();

  /** Adds one scrape of a target. `text` undefined: the target did not answer; then its series end, and `up` is 0. */
  add(at_s: number, target: Labels, text: string | undefined): void {
    const samples = text === undefined ? [] : parseExposition(text);
    const present = new Set<string>();
    const put = (labels: Labels, value: number) => {
      const key = keyOf(labels);
      present.add(key);
      const series = this.#series.get(key) ?? { labels, points: [] };
      series.points.push({ at_s, value });
      this.#series.set(key, series);
    };
    for (const { labels, value } of samples) put({ ...labels, ...target }, value);
    put({ [NAME]: 'up', ...target }, text === undefined ? 0 : 1);
    for (const [key, { labels, points }] of this.#series) {
      const isOfTarget = Object.entries(target).every(([name, value]) => labels[name] === value);
      if (isOfTarget && !present.has(key) && points.at(-1)?.value !== undefined) points.push({ at_s, value: undefined });
    }
  }

  /** @throws Error for what does not parse, or is not evaluated here */
  evaluate(expression: string, at_s: number): readonly Sample[] {
    const result = new Evaluation(expression, at_s, [...this.#series.values()]).run();
    return typeof result === 'number' ? [{ labels: {}, value: result }] : result;
  }
}

/** @throws Error that shows where an expression breaks off, as a broken row of a table would */
export function assertParses(expression: string): void {
  parser.parse(expression).iterate({
    enter: (node) => {
      if (node.type.isError)
        throw new Error(`not PromQL, from column ${node.from + 1} on: ${expression.slice(node.from) || 'it breaks off'}: ${expression}`);
    },
  });
}

/** Names of all metrics that an expression asks for. */
export function metricsOf(expression: string): string[] {
  const names: string[] = [];
  parser.parse(expression).iterate({
    enter: (node) => {
      if (node.name === 'VectorSelector') names.push(expression.slice(node.from, node.node.getChild('Identifier')?.to ?? node.from));
    },
  });
  return names;
}

/** Parses the text format of Prometheus. @throws Error for a line that is none */
export function parseExposition(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) throw new Error(`not a sample: ${line}`);
    const [, name, inner = '', value] = found;
    const labels: Record<string, string> = { [NAME]: name! };
    for (const [, label, quoted] of inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      labels[label!] = quoted!.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
    samples.push({ labels, value: numberOf(value!) });
  }
  return samples;
}

type Value = number | readonly Sample[];

class Evaluation {
  constructor(
    readonly expression: string,
    readonly at_s: number,
    readonly series: readonly Series[],
  ) {
    assertParses(expression);
  }

  run(): Value {
    return this.#value(this.#only(parser.parse(this.expression).topNode));
  }

  #text(node: SyntaxNode): string {
    return this.expression.slice(node.from, node.to);
  }

  #only(node: SyntaxNode): SyntaxNode {
    const child = node.firstChild;
    if (!child || child.nextSibling) throw this.#unknown(node);
    return child;
  }

  #unknown(node: SyntaxNode): Error {
    return new Error(`not evaluated here: ${node.name} ${this.#text(node)}`);
  }

  #value(node: SyntaxNode): Value {
    switch (node.name) {
      case 'NumberDurationLiteral':
        return numberOf(this.#text(node));
      case 'ParenExpr':
        return this.#value(this.#only(node));
      case 'VectorSelector':
        return this.#instant(node);
      case 'BinaryExpr':
        return this.#binary(node);
      case 'AggregateExpr':
        return this.#aggregate(node);
      case 'FunctionCall':
        return this.#call(node);
      default:
        throw this.#unknown(node);
    }
  }

  #vector(node: SyntaxNode): readonly Sample[] {
    const value = this.#value(node);
    if (typeof value === 'number') throw new Error(`expected a vector: ${this.#text(node)}`);
    return value;
  }

  #matching(node: SyntaxNode): Series[] {
    const name = node.getChild('Identifier');
    const matchers = (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map((matcher) => {
      const [label, operator, literal] = [matcher.getChild('LabelName')!, matcher.getChild('MatchOp')!, matcher.getChild('StringLiteral')!];
      const wanted: unknown = JSON.parse(this.#text(literal));
      if (typeof wanted !== 'string') throw this.#unknown(matcher);
      return matcherOf(this.#text(label), this.#text(operator), wanted);
    });
    if (name) matchers.push(matcherOf(NAME, '=', this.#text(name)));
    return this.series.filter(({ labels }) => matchers.every((fits) => fits(labels)));
  }

  #instant(node: SyntaxNode): Sample[] {
    return this.#matching(node).flatMap(({ labels, points }) => {
      const last = points.findLast(({ at_s }) => at_s <= this.at_s);
      return last?.value === undefined || last.at_s <= this.at_s - LOOKBACK_S ? [] : [{ labels, value: last.value }];
    });
  }

  #call(node: SyntaxNode): Value {
    const name = this.#text(node.getChild('FunctionIdentifier')!);
    const [first, second] = argumentsOf(node);
    switch (name) {
      case 'rate':
      case 'increase':
        return this.#extrapolated(first!, name === 'rate');
      case 'histogram_quantile': {
        const quantile = this.#value(first!);
        if (typeof quantile !== 'number') throw this.#unknown(first!);
        return histogramQuantile(quantile, this.#vector(second!));
      }
      case 'absent':
        // The labels that equality matchers would give the answer are left out: no alarm here looks at them.
        return this.#vector(first!).length === 0 ? [{ labels: {}, value: 1 }] : [];
      default:
        throw this.#unknown(node);
    }
  }

  /** As Prometheus extrapolates: to the ends of the window, if samples lie near them, and never below zero. */
  #extrapolated(matrix: SyntaxNode, isRate: boolean): Sample[] {
    if (matrix.name !== 'MatrixSelector') throw this.#unknown(matrix);
    const window_s = durationOf(this.#text(matrix.getChild('DurationExpr')!));
    const from_s = this.at_s - window_s;
    return this.#matching(matrix.getChild('VectorSelector')!).flatMap(({ labels, points }) => {
      const within = points.filter(({ at_s, value }) => at_s >= from_s && at_s <= this.at_s && value !== undefined) as {
        at_s: number;
        value: number;
      }[];
      if (within.length < 2) return [];
      const [first, last] = [within[0]!, within.at(-1)!];
      let grown = last.value - first.value;
      for (const [index, { value }] of within.entries()) {
        const before = within[index - 1]?.value ?? 0;
        if (index > 0 && value < before) grown += before;
      }
      const sampled_s = last.at_s - first.at_s;
      const between_s = sampled_s / (within.length - 1);
      let toStart_s = first.at_s - from_s;
      if (grown > 0 && first.value >= 0) toStart_s = Math.min(toStart_s, sampled_s * (first.value / grown));
      const toEnd_s = this.at_s - last.at_s;
      const reach = (gap_s: number) => (gap_s < between_s * 1.1 ? gap_s : between_s / 2);
      const factor = (sampled_s + reach(toStart_s) + reach(toEnd_s)) / sampled_s / (isRate ? window_s : 1);
      return [{ labels: without(labels, [NAME]), value: grown * factor }];
    });
  }

  #aggregate(node: SyntaxNode): Sample[] {
    const operator = this.#text(node.getChild('AggregateOp')!);
    const fold = AGGREGATES[operator];
    const [argument, ...others] = argumentsOf(node);
    if (!fold || !argument || others.length > 0) throw this.#unknown(node);
    const modifier = node.getChild('AggregateModifier');
    const names =
      modifier
        ?.getChild('GroupingLabels')
        ?.getChildren('LabelName')
        .map((label) => this.#text(label)) ?? [];
    const isWithout = modifier?.getChild('Without') !== null && modifier !== null;
    const groups = new Map<string, { labels: Labels; values: number[] }>();
    for (const { labels, value } of this.#vector(argument)) {
      const kept = isWithout ? without(labels, [NAME, ...names]) : picked(labels, names);
      const group = groups.get(keyOf(kept)) ?? { labels: kept, values: [] };
      group.values.push(value);
      groups.set(keyOf(kept), group);
    }
    return [...groups.values()].map(({ labels, values }) => ({ labels, value: fold(values) }));
  }

  #binary(node: SyntaxNode): Value {
    const [left, operator, right, ...others] = childrenOf(node);
    if (!left || !operator || !right || others.length > 0) throw this.#unknown(node);
    const sign = this.#text(operator);
    if (sign === 'or' || sign === 'and' || sign === 'unless') {
      const [ours, theirs] = [this.#vector(left), this.#vector(right)];
      const keys = (samples: readonly Sample[]) => new Set(samples.map(({ labels }) => keyOf(without(labels, [NAME]))));
      const has = (known: ReadonlySet<string>) => (sample: Sample) => known.has(keyOf(without(sample.labels, [NAME])));
      const [ofOurs, ofTheirs] = [keys(ours), keys(theirs)];
      if (sign === 'and') return ours.filter(has(ofTheirs));
      if (sign === 'unless') return ours.filter((sample) => !has(ofTheirs)(sample));
      return [...ours, ...theirs.filter((sample) => !has(ofOurs)(sample))];
    }
    const [a, b] = [this.#value(left), this.#value(right)];
    const compare = COMPARISONS[sign];
    const calculate = ARITHMETIC[sign];
    if (compare && typeof a !== 'number' && typeof b === 'number') return a.filter(({ value }) => compare(value, b));
    if (compare && typeof a === 'number' && typeof b !== 'number') return b.filter(({ value }) => compare(a, value));
    if (calculate && typeof a === 'number' && typeof b === 'number') return calculate(a, b);
    if (calculate && typeof a === 'number' && typeof b !== 'number')
      return b.map(({ labels, value }) => ({ labels: without(labels, [NAME]), value: calculate(a, value) }));
    if (calculate && typeof a !== 'number' && typeof b === 'number')
      return a.map(({ labels, value }) => ({ labels: without(labels, [NAME]), value: calculate(value, b) }));
    throw this.#unknown(node);
  }
}

/** Classic histograms: linear within a bucket; the highest finite bound, if the quantile lies above it. */
function histogramQuantile(quantile: number, buckets: readonly Sample[]): Sample[] {
  const groups = new Map<string, { labels: Labels; bounds: { le: number; count: number }[] }>();
  for (const { labels, value } of buckets) {
    if (labels.le === undefined) continue;
    const kept = without(labels, [NAME, 'le']);
    const group = groups.get(keyOf(kept)) ?? { labels: kept, bounds: [] };
    group.bounds.push({ le: numberOf(labels.le), count: value });
    groups.set(keyOf(kept), group);
  }
  return [...groups.values()].map(({ labels, bounds }) => {
    bounds.sort((one, other) => one.le - other.le);
    const total = bounds.at(-1)!.count;
    if (bounds.at(-1)!.le !== Number.POSITIVE_INFINITY || bounds.length < 2 || !(total > 0)) return { labels, value: Number.NaN };
    const rank = quantile * total;
    const at = bounds.findIndex(({ count }) => count >= rank);
    if (at === bounds.length - 1) return { labels, value: bounds.at(-2)!.le };
    const { le, count } = bounds[at]!;
    if (at === 0 && le <= 0) return { labels, value: le };
    const [lower, below] = at === 0 ? [0, 0] : [bounds[at - 1]!.le, bounds[at - 1]!.count];
    return { labels, value: lower + (le - lower) * ((rank - below) / (count - below)) };
  });
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}

const argumentsOf = (node: SyntaxNode): SyntaxNode[] => {
  const body = node.getChild('FunctionCallBody');
  return body ? childrenOf(body) : [];
};

/** Prometheus's expressions are anchored, and an absent label is an empty one. */
function matcherOf(label: string, operator: string, wanted: string): (labels: Labels) => boolean {
  const pattern = operator.endsWith('~') ? new RegExp(`^(?:${wanted})$`) : undefined;
  const fits = (labels: Labels) => (pattern ? pattern.test(labels[label] ?? '') : (labels[label] ?? '') === wanted);
  return operator.startsWith('!') ? (labels) => !fits(labels) : fits;
}

const numberOf = (text: string): number => {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN' || text === 'Nan') return Number.NaN;
  const value = Number(text);
  if (text === '' || Number.isNaN(value)) throw new Error(`not a number: ${text}`);
  return value;
};

const UNITS_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
function durationOf(text: string): number {
  const found = /^(\d+)([smhd])$/.exec(text);
  if (!found) throw new Error(`not a duration: ${text}`);
  return Number(found[1]) * UNITS_S[found[2]!]!;
}

const AGGREGATES: Readonly<Record<string, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  count: (values) => values.length,
};
const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
};
const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

const without = (labels: Labels, names: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
const picked = (labels: Labels, names: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name)));
const keyOf = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

const NAME = '__name__';
const LOOKBACK_S = 300;
