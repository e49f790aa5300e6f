import { filesBelow, linesWith } from './files.js';

const files = filesBelow(['shared/store/src/redis/scripts'], ['.lua', '.ts']);
const scripts = files.filter(({ path }) => path.endsWith('.lua'));
const named = scripts.map((file) => [file.path.split('/').at(-1)!.replace('.lua', ''), file] as const);

describe('a Lua script', () => {
  it('is there', () => expect(scripts.length).toBeGreaterThan(10));

  it.each(named)('%s has a wrapper and a test beside it', (_, { path }) => {
    const paths = files.map((file) => file.path);
    expect(paths).toContain(path.replace(/\.lua$/, '.ts'));
    expect(paths).toContain(path.replace(/\.lua$/, '.test.ts'));
  });

  it.each(named)('%s begins with its contract', (name, { text }) => {
    const [first, purpose, ...rest] = text.split('\n');
    expect(first).toMatch(/^#!lua( flags=[\w,-]+)?$/);
    expect(purpose!.startsWith(`-- ${name}: `)).toBe(true);
    const comments = rest.filter((line) => line.startsWith('--'));
    for (const part of ['-- KEYS', '-- ARGV', '-- Out']) expect(comments.some((line) => line.startsWith(part))).toBe(true);
  });

  it.each(named)('%s never decodes a document', (_, file) => {
    expect(linesWith(file, /cjson|cmsgpack|loadstring/)).toEqual([]);
  });

  // Or the drain stalls at maxmemory; and what is refused there must be refused before any write.
  it.each([
    ...(['settle', 'bury', 'collect', 'untry', 'lease', 'release', 'record', 'evict', 'unlist'] as const).map(
      (name) => [name, true] as const,
    ),
    ...(['accept', 'fill', 'load', 'begin'] as const).map((name) => [name, false] as const),
  ])('%s goes on at maxmemory: %p', (name, goesOn) => {
    const script = scripts.find(({ path }) => path.endsWith(`/${name}.lua`))!;
    expect(script.text.split('\n')[0]!.includes('allow-oom')).toBe(goesOn);
  });
});
