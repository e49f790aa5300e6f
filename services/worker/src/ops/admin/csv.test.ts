import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { csvCell } from './csv.js';

/** The cells of one line, as a spreadsheet reads it that takes this character for the separator: a quote counts only at the start of a cell. */
function cellsOf(line: string, separator: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let [isQuoted, isFresh] = [false, true];
  for (let at = 0; at < line.length; at += 1) {
    const sign = line[at]!;
    if (isQuoted && sign === '"' && line[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (isQuoted && sign === '"') isQuoted = false;
    else if (isQuoted) cell += sign;
    else if (sign === '"' && isFresh) [isQuoted, isFresh] = [true, false];
    else if (sign === separator || sign === '\n' || sign === '\r') {
      cells.push(cell);
      [cell, isFresh] = ['', true];
    } else {
      cell += sign;
      isFresh = false;
    }
  }
  return [...cells, cell];
}

const isFormula = (cell: string): boolean => /^[\s\u00a0\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(cell);
const SEPARATORS = [',', ';', '\t', '|'];

describe('a cell of the CSV export', () => {
  it.each([
    ['ada@example.com', '"ada@example.com"'],
    [42, '"42"'],
    [-1, '"-1"'],
    [false, '"false"'],
    [undefined, '""'],
    ['a "b", c', '"a ""b"", c"'],
    ['=1+1', '"\'=1+1"'],
    ['\t=1', '"\'\t\'=1"'],
    ['x;=1+1', '"x;\'=1+1"'],
    ['＝1+1', '"\'＝1+1"'],
  ])('of %j is %s', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });

  // Only the first character of the whole cell was looked at: `x;=1+1` was a formula wherever `;` separates.
  it('is no formula to a spreadsheet, whatever that takes for the separator', () => {
    const sign = fc.constantFrom(...'=+-@＝＋－＠;,|\t\r\n"\' \u00a0\ufeffax1'.split(''));
    const text = fc.array(sign, { maxLength: 12 }).map((signs) => signs.join(''));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), fc.constantFrom(...SEPARATORS), (texts, separator) => {
        expect(cellsOf(texts.map(csvCell).join(','), separator).filter(isFormula)).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('is read back as it was, where nothing in it could begin a formula', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string().filter((text) => !/[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]/.test(text)),
          { minLength: 2 },
        ),
        (texts) => {
          expect(parse(`${texts.map(csvCell).join(',')}\r\n`)).toEqual([texts]);
        },
      ),
    );
  });
});
