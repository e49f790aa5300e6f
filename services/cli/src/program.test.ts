import type { Command, Given } from './command.js';
import { tableOf } from './output.js';
import { COMMANDS, choose, run } from './program.js';

const asked: Given[] = [];
const command: Command = {
  usage: 'thing make <name> [more...]',
  summary: 'make a thing',
  options: [
    ['--size <size>', 'how large'],
    ['--all', 'all of them'],
  ],
  run: async (given) => {
    asked.push(given);
    return 7;
  },
};
const other: Command = { usage: 'thing [name]', summary: 'show a thing', run: async () => 0 };

async function typed(...argv: string[]) {
  const said = { out: '', err: '' };
  const sink = (name: 'out' | 'err') => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const surroundings = { env: {}, stdout: sink('out'), stderr: sink('err'), signal: new AbortController().signal };
  return { code: await run(argv, surroundings, [command, other]), ...said };
}

describe('what is typed', () => {
  it('is read: arguments, options before and after them, and --json anywhere', async () => {
    for (const argv of [
      ['thing', 'make', 'a', 'b', 'c', '--size', '3', '--all', '--json'],
      ['--json', 'thing', 'make', '--size=3', 'a', 'b', '--all', 'c'],
    ]) {
      expect((await typed(...argv)).code).toBe(7);
      expect(asked.at(-1)).toEqual({ json: true, name: 'a', more: ['b', 'c'], size: '3', all: true });
    }
  });

  it('may begin with a dash behind --', async () => {
    await typed('thing', 'make', '--', '-a');
    expect(asked.at(-1)).toMatchObject({ name: '-a' });
  });

  it.each([
    [['thing', 'make'], 'name is missing'],
    [['thing', 'make', 'a', '--sise', '3'], 'sise'],
    [['thing', 'make', 'a', '--size'], 'size'],
    [['thing', 'make', 'a', '--all=yes'], 'all'],
    [['thing', 'a', 'b'], 'too much: b'],
    [['nothing'], 'no command "nothing"'],
  ])('is answered with 2 and the reason where it is wrong: %j', async (argv, reason) => {
    const { code, err, out } = await typed(...argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(reason);
  });

  it.each([[[]], [['--help']], [['-h']], [['thing', 'make', '--help']]])('may be a call for help: %j', async (argv: string[]) => {
    const { code, out } = await typed(...argv);
    expect(code).toBe(0);
    expect(out).toContain('rollcall thing make <name> [more...]');
  });
});

describe('credentials', () => {
  it('are asked for only by what needs them, and their absence is said: 3', async () => {
    const err: string[] = [];
    const sink = { write: (text: string) => err.push(text) };
    const surroundings = {
      env: { HOME: '/nowhere', ROLLCALL_CREDENTIALS_FILE: '/nowhere/file' },
      stdout: sink,
      stderr: sink,
      signal: new AbortController().signal,
    };
    expect(await run(['tenant', 'list'], surroundings)).toBe(3);
    expect(err.join('')).toContain('ROLLCALL_OPERATOR_TOKEN');
  });
});

describe('the commands', () => {
  it('are told apart by their words', () => {
    const words = COMMANDS.map(({ usage }) =>
      usage
        .split(' ')
        .filter((part) => /^\w/.test(part))
        .join(' '),
    );
    expect(new Set(words).size).toBe(words.length);
    for (const topic of [
      'tenant',
      'token',
      'client',
      'account',
      'mapping',
      'extension',
      'operator',
      'dead-letter',
      'status',
      'doctor',
      'simulate',
    ])
      expect(words.some((word) => word.startsWith(topic))).toBe(true);
  });
  it('are each found by what their usage says', () => {
    for (const each of COMMANDS) {
      const argv = each.usage.split(' ').map((part) => part.replaceAll(/[<>[\].]/g, ''));
      expect(choose(argv, COMMANDS)).toMatchObject({ command: { usage: each.usage } });
    }
  });
});

describe('tables', () => {
  it('stand in columns, and let no control character through', () => {
    expect(
      tableOf(
        [
          { a: 'x\u001b[2J', b: 1 },
          { a: 'longer one', b: null },
        ],
        ['a', 'b'],
      ),
    ).toBe('A           B\nx?[2J       1\nlonger one  –\n');
  });
});
