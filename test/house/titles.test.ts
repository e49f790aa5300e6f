import { filesBelow } from './files.js';

/** A test or a group of tests, with the folder-like path of titles that leads there. */
const TITLE = /(?:\b(it|test|describe)(?:\.\w+)?|\))\(\s*(['"`])((?:\\.|(?!\2)[^\\\n])*)\2,\s*(?=async\b|\(|function\b|\w+ =>)/g;

/** Titles of a file's tests, each with its groups' titles before it. Groups are told by how far a line is indented, as the formatter has it. */
export function titlesOf(text: string): string[] {
  const groups: { indent: number; title: string }[] = [];
  const titles: string[] = [];
  for (const match of text.matchAll(TITLE)) {
    const from = text.lastIndexOf('\n', match.index) + 1;
    const line = text.slice(from, match.index);
    const indent = line.length - line.trimStart().length;
    while (groups.length > 0 && groups.at(-1)!.indent >= indent) groups.pop();
    const title = match[3]!;
    if (match[1] === 'describe') groups.push({ indent, title });
    else titles.push([...groups.map((group) => group.title), title].join(' › '));
  }
  return titles;
}

describe('titles of tests', () => {
  const files = filesBelow(['shared', 'services', 'test'], ['.test.ts', '.test.mjs']);
  it.each(files.map((file) => [file.path, file.text] as const))('%s has no two of one title', (_, text) => {
    const titles = titlesOf(text);
    expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
  });

  it('are found: in groups, in tables, and on lines of their own', () => {
    const text = [
      "describe('a', () => {",
      "  it('one', async () => {});",
      "  it.each([1, 2])('two %p', (n) => {});",
      '  it.each([',
      '    1,',
      "  ])('three %p', (n) => {});",
      '});',
      "describe('b', () => {",
      '  it(',
      "    'one',",
      '    async () => {},',
      '  );',
      '});',
    ].join('\n');
    expect(titlesOf(text)).toEqual(['a › one', 'a › two %p', 'a › three %p', 'b › one']);
  });
});
