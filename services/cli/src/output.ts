// Tables for people, JSON for scripts.
import type { Json, JsonObject } from './api.js';

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

  /** One thing, a member a line. */
  show(item: JsonObject, hint?: string): void {
    if (this.json) {
      this.#json(item);
      return;
    }
    this.stdout.write(
      tableOf(
        Object.entries(item).map(([name, value]) => ({ name, value })),
        ['name', 'value'],
        false,
      ),
    );
    if (hint !== undefined) this.stderr.write(`${hint}\n`);
  }

  /** Text as it comes, for a file or another program. */
  async raw(texts: AsyncIterable<string>): Promise<void> {
    for await (const text of texts) this.stdout.write(text);
  }

  /** That something was done: said to people only. */
  done(sentence: string, item: JsonObject = {}): void {
    if (this.json) this.#json(item);
    else this.stdout.write(`${sentence}\n`);
  }

  /** How far something is; overwritten by the next, where somebody watches. */
  progress(line: string): void {
    if (this.stderr.isTTY) this.stderr.write(`\r\u001b[K${line}`);
  }
  endProgress(): void {
    if (this.stderr.isTTY) this.stderr.write('\r\u001b[K');
  }

  #json(value: Json): void {
    this.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  }
}

export function tableOf(items: readonly JsonObject[], columns: readonly string[], titled = true): string {
  const rows = [
    ...(titled ? [columns.map((column) => column.toUpperCase())] : []),
    ...items.map((item) => columns.map((column) => cell(item[column]))),
  ];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) =>
    row
      .map((text, at) => (at === row.length - 1 ? text : text.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** No control character of somebody's name reaches a terminal. */
function cell(value: Json | undefined): string {
  const text = value === undefined || value === null ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.replaceAll(/\p{Cc}/gu, '?');
}
