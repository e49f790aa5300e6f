import type { Command, Given } from './command.js';
import { trailRow } from './history.js';
import { linesOf, tableOf } from './output.js';
import { COMMANDS, choose, run } from './program.js';
import { expiry } from './time.js';

const asked: Given[] = [];
const command: Command = {
  usage: 'thing make <name> [more...]',
  summary: 'make a thing',
  aliases: ['thing build'],
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
    [['thing', 'a', 'b'], 'too many arguments: b'],
    [['thing', 'make', 'a', '--sise', '3'], 'Did you mean --size?'],
    [['nothing'], 'unknown command "nothing"'],
    [['thign', 'make'], 'Did you mean "thing"?'],
    [['thing', 'make', 'a', '--unlike-any', '3'], "Unknown option '--unlike-any'"],
  ])('is answered with 2 and the reason where it is wrong: %j', async (argv, reason) => {
    const { code, err, out } = await typed(...argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(reason);
  });

  it('may be another word for the same command', async () => {
    expect((await typed('thing', 'build', 'x')).code).toBe(7);
    expect(asked.at(-1)).toMatchObject({ name: 'x' });
    expect((await typed('thing', 'build', '--help')).out).toContain('Also: rollcall thing build');
  });

  it('suggests nothing where nothing is near', async () => {
    expect((await typed('xylophone')).err).not.toContain('Did you mean');
  });

  it('may ask for the version', async () => {
    expect(await typed('--version')).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' });
  });

  it.each([[[]], [['--help']], [['-h']], [['thing', 'make', '--help']]])('may be a call for help: %j', async (argv: string[]) => {
    const { code, out } = await typed(...argv);
    expect(code).toBe(0);
    expect(out).toContain('thing make <name> [more...]');
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

describe('all commands', () => {
  it('are in the overview once, under a heading, below how to start', async () => {
    const said = { out: '' };
    const stdout = { write: (text: string) => (said.out += text) };
    await run(['--help'], { env: {}, stdout, stderr: stdout, signal: new AbortController().signal });
    for (const { usage } of COMMANDS) expect(said.out.split('\n').filter((line) => line.startsWith(`  ${usage}  `))).toHaveLength(1);
    expect(said.out).toMatch(/^rollcall \d.*\n\nUsage: .*\n\nStart here\n/);
    expect(said.out).not.toContain('\nMore\n');
  });
});

describe('one thing', () => {
  it('is shown a member per line, what is nested indented below its name, and no control character', () => {
    const item = {
      id: 'a',
      name: { givenName: 'Ada', familyName: 'x\u001b[2J' },
      emails: [{ value: 'ada@example.com', primary: true }, { value: 'b@example.com' }],
      by: ['idp', 'administrator'],
      none: [],
      empty: {},
    };
    expect(linesOf(item)).toEqual([
      'id     a',
      'name',
      '  givenName   Ada',
      '  familyName  x?[2J',
      'emails',
      '- value    ada@example.com',
      '  primary  true',
      '- value  b@example.com',
      'by     idp, administrator',
      'none   –',
      'empty  –',
    ]);
  });
});

describe('when a token expires', () => {
  it.each([
    [364.5 * 86_400_000, 'in 364 days'],
    [86_400_000, 'in 1 day'],
    [90_000, 'in 1 minute'],
    [-120_000, 'EXPIRED 2 minutes ago'],
    [-10, 'EXPIRED 0 seconds ago'],
  ])('is told from now: %p ms', (left_ms, text) => {
    const now_ms = Date.parse('2026-01-01T00:00:00Z');
    expect(expiry(new Date(now_ms + left_ms).toISOString(), now_ms)).toBe(text);
  });
});

describe('a line of the history', () => {
  it.each([
    [{ changes: { title: { before: 'Dr', after: 'Prof' }, active: { after: true } } }, 'title: Dr → Prof; active: true'],
    [{ changes: { title: { before: 'Dr' } } }, 'title: Dr → none'],
    [{ changes: {}, members: { added: ['a', 'b'], removed: ['c'] } }, 'members added: 2; members removed: c'],
    [{ before: { name: 'x', status: 'active' }, after: { name: 'y', status: 'active' } }, 'name: x → y'],
    [{ changes: {} }, '–'],
  ])('tells what changed: %j', (line, told) => {
    expect(trailRow(line).changes).toBe(told);
  });

  it('names a token by its name and how it begins, and an operator by the name', () => {
    expect(trailRow({ who: { id: 'a1', name: 'Okta', prefix: 'rc_UEsy' } }).who).toBe('Okta (rc_UEsy…)');
    expect(trailRow({ who: { id: 'operator:1', name: 'Grace' } }).who).toBe('Grace');
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
