// A file of an import, as it comes: CSV in UTF-8 with a header line.
import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import type { StoredLine } from '@rollcall/store';
import { parse as csvParser, type InfoRecord } from 'csv-parse';
import { Problem } from '../problem.js';

export interface ImportFile {
  /** Read as they are asked for. @throws Problem 400 for what is no CSV of these columns, or not UTF-8; 413 for too large a file */
  readonly lines: AsyncIterable<StoredLine>;
  /** SHA-256 of what has been read so far. */
  digest(): string;
}

/**
 * @param columns that a header may name; `userName` it must
 * @param bytesMax a longer file is refused, 413
 */
export function importFile(body: Readable, columns: readonly string[], bytesMax: number): ImportFile {
  const hash = createHash('sha256');
  let left_bytes = bytesMax;
  const read = (chunk: Buffer): void => {
    left_bytes -= chunk.length;
    if (left_bytes < 0) throw tooLarge(bytesMax);
    hash.update(chunk);
  };
  return { lines: linesOf(body, columns, read), digest: () => hash.copy().digest('hex') };
}

export const tooLarge = (bytesMax: number): Problem =>
  new Problem(413, `expected a file of at most ${bytesMax} bytes: import it in parts, or raise IMPORT_BYTES_MAX`);

async function* linesOf(body: Readable, columns: readonly string[], read: (chunk: Buffer) => void): AsyncGenerator<StoredLine> {
  let named: readonly string[] | undefined;
  const parser = csvParser({
    columns: (header: string[]) => {
      named = checkHeader(header, columns);
      return header;
    },
    bom: true,
    skip_empty_lines: true,
    trim: true,
    max_record_size: RECORD_CHARACTERS_MAX,
    relax_column_count: true,
    info: true,
    raw: true,
  });
  const rows: AsyncIterable<Row> = pipeline(Readable.from(textOf(body, read)), parser, () => undefined); // what fails, fails the rows
  // The parser counts a line break of two characters within quotes twice.
  let twice = 0;
  try {
    for await (const { record, info, raw } of rows) {
      twice += raw.split('\r\n').length - 1;
      const line = info.lines - twice - (raw.trim().split(/\r\n|\r|\n/).length - 1);
      yield info.error ? { line, cells: {}, fault: wrongCells(named!.length, info.error) } : { line, cells: record };
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^(CSV_|INVALID_OPENING_QUOTE)/.test(String(error.code)))
      throw new Problem(400, error.message);
    throw error;
  }
  if (!named) throw new Problem(400, 'the file is empty: its first line names the columns; userName is required');
}

/** @throws Problem 400, and what `read` throws */
async function* textOf(body: Readable, read: (chunk: Buffer) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decoded = (chunk?: Buffer): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (error) {
      throw new Problem(400, 'the file is not UTF-8: save it in that encoding', {}, { cause: error });
    }
  };
  // What is refused before its end is still answered, so the connection must stay.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    read(chunk);
    yield decoded(chunk);
  }
  yield decoded();
}

/** @throws Problem 400 for a header that is none */
function checkHeader(header: readonly string[], known: readonly string[]): readonly string[] {
  const strangers = header.filter((name) => !known.includes(name));
  if (strangers.length > 0) throw new Problem(400, `unknown columns ${quoted(strangers)}; known: ${known.join(', ')}`);
  const twice = header.filter((name, at) => header.indexOf(name) !== at);
  if (twice.length > 0) throw new Problem(400, `the first line names columns more than once: ${quoted([...new Set(twice)])}`);
  if (!header.includes('userName')) throw new Problem(400, 'the first line names the columns; userName is required');
  return header;
}

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');

/** A line of another width than the header's: nobody can tell which cell is missing, or too much. */
function wrongCells(expected: number, error: InfoRecord['error']): string {
  const cells: unknown = error.record;
  const got = Array.isArray(cells) ? cells.length : 'others';
  return `expected ${expected} ${expected === 1 ? 'cell' : 'cells'}, got ${got}`;
}

interface Row {
  readonly record: StoredLine['cells'];
  readonly info: InfoRecord;
  readonly raw: string;
}

const RECORD_CHARACTERS_MAX = 100_000;
