import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Cluster, startCluster } from '../support/cluster.js';

jest.setTimeout(600_000); // some sixty commands, each a process of its own

const root = path.resolve(__dirname, '../..');

/** Commands of one code block, and what the document shows as their answer, if it does. */
interface Step {
  readonly commands: readonly string[];
  readonly shown: { readonly language: string; readonly text: string } | undefined;
}

describe('docs/administrator.md', () => {
  let cluster: Cluster;
  let home: string;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: [] });
    home = await mkdtemp(path.join(tmpdir(), 'rollcall-document-'));
    // As npm links it at install.
    await mkdir(path.join(home, 'node_modules/.bin'), { recursive: true });
    await symlink(path.join(root, 'services/cli/bin/rollcall.mjs'), path.join(home, 'node_modules/.bin/rollcall'));
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  it('can be followed from top to bottom: each command does what the text shows', async () => {
    const steps = stepsOf(await readFile(path.join(root, 'docs/administrator.md'), 'utf8'));
    expect(steps.length).toBeGreaterThan(10);
    const printed = new Map<string, string>();
    for (const { commands, shown } of steps) {
      let out = '';
      for (const command of commands) {
        await cluster.quiet();
        const typed = filled(command, printed).replaceAll('https://scim.example.com', cluster.ingests[0]!.url);
        const said = await run(typed);
        expect({ typed, ...said }).toEqual({ typed, code: 0, out: expect.any(String), err: expect.any(String) });
        remember(said.out, printed);
        out += said.out;
      }
      if (shown?.language === 'json')
        expect({ commands, answer: JSON.parse(out) }).toMatchObject({ commands, answer: parsed(filled(shown.text, printed)) });
      if (shown?.language === 'text') expect(lines(out)).toEqual(expect.arrayContaining(lines(shown.text).map(asPattern)));
    }
  });

  function run(commands: string): Promise<{ code: number; out: string; err: string }> {
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: home,
      ROLLCALL_ADMIN_URL: cluster.worker.url,
      ROLLCALL_OPERATOR_TOKEN: cluster.operatorToken,
      ROLLCALL_SCIM_URL: `${cluster.ingests[0]!.url}/scim/v2`,
    };
    return new Promise((resolve) => {
      execFile('bash', ['-e', '-c', commands], { cwd: home, env, timeout: 60_000 }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
      );
    });
  }
});

/** Blocks of `sh` that call curl or rollcall, in order, each with the block of `json` or `text` that follows it with nothing between. */
function stepsOf(document: string): readonly Step[] {
  const blocks = [...document.matchAll(/^```sh\n(.*?)^```\n(?:\n```(json|text)\n(.*?)^```\n)?/gms)];
  return blocks.flatMap(([, script = '', language, text]) => {
    // What sets a shell up (build, export) was done before.
    const commands = script.split(/^(?=\S+ )/m).filter((line) => /^(?:curl|npx rollcall|printf) /.test(line));
    return commands.length > 0 ? [{ commands, shown: language ? { language, text: text! } : undefined }] : [];
  });
}

/** Names in angle brackets stand for what an earlier answer showed; the newest of that name. */
const filled = (text: string, printed: ReadonlyMap<string, string>) =>
  text.replaceAll(/<(\w+)>/g, (name, key: string) => {
    const value = printed.get(key);
    if (value === undefined) throw new Error(`no earlier answer of the document shows a value for ${name}`);
    return value;
  });

/** `user` is the id of the newest User that an answer showed, the others go by their own names. */
function remember(out: string, printed: Map<string, string>): void {
  for (const [, name, value] of out.matchAll(/^(id|token|clientId|clientSecret|confirm) +(\S+)$/gm)) printed.set(name!, value!);
  if (!out.startsWith('{')) return;
  const body = JSON.parse(out);
  if (body.meta?.resourceType === 'User') printed.set('user', body.id);
  if (body.access_token) printed.set('accessToken', body.access_token);
}

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim().replaceAll(/ +/g, ' '))
    .filter(Boolean);
/** `…` stands for anything. */
const asPattern = (line: string) => expect.stringMatching(new RegExp(`^${literally(line).replaceAll('…', '.*')}$`));
const literally = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
const parsed = (text: string) => JSON.parse(text, (_, value: unknown) => (value === '…' ? expect.anything() : value));
