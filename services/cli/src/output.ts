// Tables for people, JSON for scripts.
import { isObject, type Json, type JsonObject } from './api.js';

export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

export class Output {
  constructor(
    readonly json: boolean,
    readonly stdout: Sink,
    readonly stderr: Sink,
  ) {}

  /** Rows under their columns; with `--json` the items as they came. */
  table(items: readonly JsonObject[], columns: readonly string[], none: string): void {
    if (this.json) this.#json(items);
    else this.stdout.write(items.length === 0 ? `${none}\n` : tableOf(items, columns));
  }

  /**
   * One thing: a member per line, what is nested indented below its name.
   * @param shown what people read in place of `item`; scripts get `item`
   */
  show(item: JsonObject, { hint, shown = item }: { readonly hint?: string | undefined; readonly shown?: JsonObject } = {}): void {
    if (this.json) {
      this.#json(item);
      return;
    }
    this.stdout.write(`${linesOf(shown).join('\n')}\n`);
    if (hint !== undefined) this.stderr.write(`${hint}\n`);
  }

  /** Text as it comes, for a file or another program; on a terminal without control characters. */
  async raw(texts: AsyncIterable<string>): Promise<void> {
    for await (const text of texts) this.stdout.write(this.stdout.isTTY ? plainLines(text) : text);
  }

  /** That something was done: said to people only. */
  done(sentence: string, item: JsonObject = {}): void {
    if (this.json) this.#json(item);
    else this.stdout.write(`${plainLines(sentence)}\n`);
  }

  /** A line for people, beside what scripts read. */
  note(line: string): void {
    if (!this.json) this.stdout.write(`${plain(line)}\n`);
  }

  /** How far something is; overwritten by the next, if a person watches. */
  progress(line: string): void {
    if (this.stderr.isTTY) this.stderr.write(`\r\u001b[K${line}`);
  }
  endProgress(): void {
    if (this.stderr.isTTY) this.stderr.write('\r\u001b[K');
  }

  #json(value: Json): void {
    this.stdout.write(`${plainJson(value)}\n`);
  }
}

export function tableOf(items: readonly JsonObject[], columns: readonly string[]): string {
  const rows = [columns.map((column) => column.toUpperCase()), ...items.map((item) => columns.map((column) => cell(item[column])))];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) =>
    row
      .map((text, at) => (at === row.length - 1 ? text : text.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/**
 * Names and values in two columns; an object or a list of objects is indented below its name.
 * @example linesOf({ id: 'a', name: { givenName: 'Ada' } }) → ['id    a', 'name', '  givenName  Ada']
 */
export function linesOf(item: JsonObject, indent = ''): string[] {
  const entries = Object.entries(item).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...entries.filter(([, value]) => !isNested(value)).map(([name]) => name.length));
  return entries.flatMap(([name, value]) => {
    if (!isNested(value)) return [`${indent}${plain(name).padEnd(width)}  ${cell(value)}`];
    const below = (Array.isArray(value) ? value : [value]) as readonly Json[];
    return [
      `${indent}${plain(name)}`,
      ...below.flatMap((each) => {
        const lines = isObject(each) ? linesOf(each, `${indent}  `) : [`${indent}  ${cell(each)}`];
        // Elements of a list are told apart by a dash.
        return Array.isArray(value) ? lines.map((line, at) => `${indent}${at === 0 ? '- ' : '  '}${line.slice(indent.length + 2)}`) : lines;
      }),
    ];
  });
}

const isNested = (value: Json | undefined): boolean =>
  (isObject(value) && Object.keys(value).length > 0) || (Array.isArray(value) && value.some((each) => typeof each === 'object'));

/** A value in one line; lists of plain values are separated by commas. */
export function cell(value: Json | undefined): string {
  if (value === undefined || value === null) return NONE;
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) return value.length === 0 ? NONE : plain(value.join(', '));
  if (typeof value === 'object') return Object.keys(value).length === 0 ? NONE : plain(JSON.stringify(value));
  return plain(String(value));
}

/** A text without what could change the rest of a line on a terminal: control characters, line separators, marks of direction (U+202E). */
export const plain = (text: string): string => text.replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, '?');

/** The same of a text of several lines. */
export const plainLines = (text: string): string => text.split(/\r?\n/).map(plain).join('\n');

/** JSON in which such characters are escaped. */
const plainJson = (value: Json): string =>
  JSON.stringify(value, undefined, 2).replaceAll(
    /[\u007f-\u009f\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const NONE = '–';
