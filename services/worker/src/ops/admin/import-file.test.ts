import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { importFile } from './import-file.js';

const COLUMNS = ['userName', 'givenName', 'email'];

/** Reads a file that comes in pieces of so many bytes. */
async function read(content: string | Buffer, size = 3, bytesMax = 10_000) {
  const bytes = Buffer.from(content);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
  const file = importFile(Readable.from(pieces, { objectMode: false }), COLUMNS, bytesMax);
  const lines = [];
  for await (const line of file.lines) lines.push(line);
  return { lines, digest: file.digest() };
}
const numbers = async (content: string) => (await read(content)).lines.map(({ line }) => line);

describe('a file of an import', () => {
  it('is read in UTF-8, however it is cut, with or without a byte order mark', async () => {
    const lines = [{ line: 2, cells: { userName: 'zoë', givenName: '𝒵oë, "Z"' } }];
    for (const mark of ['', '\ufeff'])
      for (const size of [1, 2, 3, 1_000]) expect((await read(`${mark}userName,givenName\nzoë,"𝒵oë, ""Z"""\n`, size)).lines).toEqual(lines);
  });

  it('has the SHA-256 of its bytes when it is read', async () => {
    const content = 'userName\nada\n';
    expect((await read(content)).digest).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('numbers its lines as an editor shows them, by where they begin, with blank lines and breaks within quotes: %s', async (_, br) => {
    const content = ['userName,givenName', 'a,"x', 'y"', '', 'b,1', '"c', '', '",""', '', '', 'd', 'e,5'].join(br);
    expect(await numbers(content)).toEqual([2, 5, 6, 11, 12]);
    expect(await numbers(`${br}${br}${content}${br}`)).toEqual([4, 7, 8, 13, 14]);
  });

  it('fails the one line that has a cell too few or too many, and says what was expected', async () => {
    expect((await read('userName,givenName\na\nb,1\nc,1,2\n')).lines).toEqual([
      { line: 2, cells: {}, fault: 'expected 2 cells, got 1' },
      { line: 3, cells: { userName: 'b', givenName: '1' } },
      { line: 4, cells: {}, fault: 'expected 2 cells, got 3' },
    ]);
  });

  it.each([
    ['nothing', '', 'the file is empty'],
    ['blank lines alone', '\n\n', 'the file is empty'],
    ['an unknown column', 'userName,shoeSize\n', 'unknown columns "shoeSize"; known: userName, givenName, email'],
    ['no column of names', 'givenName\nAda\n', 'userName is required'],
    ['a column twice', 'userName,email,email\n', 'more than once: "email"'],
    ['a quote that does not end', 'userName\n"ada\n', 'at line 2'],
    ['a quote in a cell without quotes', 'userName,email\n\nx,y"z"\n', 'at line 3'],
    ['another encoding', Buffer.from('userName\nzo\xeb\n', 'latin1'), 'not UTF-8'],
    ['half a character at its end', Buffer.from('userName\nzoë').subarray(0, -1), 'not UTF-8'],
  ])('is refused as a whole, 400, for %s', async (_, content, said) => {
    await expect(read(content)).rejects.toMatchObject({ name: 'Problem', status: 400, detail: expect.stringContaining(said) });
  });

  // There was no largest size at all.
  it('is refused, 413, where it is longer than it may be, and taken up to the last byte', async () => {
    const content = 'userName\nada\n';
    expect((await read(content, 3, 13)).lines).toHaveLength(1);
    await expect(read(content, 3, 12)).rejects.toMatchObject({ name: 'Problem', status: 413, detail: expect.stringContaining('12 bytes') });
  });
});
