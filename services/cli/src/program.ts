// What is typed → which command, with what. Only this file knows how arguments are parsed.
import { parseArgs } from 'node:util';
import { Api } from './api.js';
import { CliError, type Command, type Context, EXIT, type Given, messageOf } from './command.js';
import { accountCommands } from './commands/account.js';
import { accountImportCommands } from './commands/account-import.js';
import { separateCommands } from './commands/account-separate.js';
import { deadLetterCommands } from './commands/dead-letter.js';
import { doctorCommands } from './commands/doctor.js';
import { extensionCommands } from './commands/extension.js';
import { mappingCommands } from './commands/mapping.js';
import { operatorCommands } from './commands/operator.js';
import { profileCommands } from './commands/profile.js';
import { simulateCommands } from './commands/simulate.js';
import { sourceCommands } from './commands/source.js';
import { statusCommands } from './commands/status.js';
import { tenantCommands } from './commands/tenant.js';
import { tokenCommands } from './commands/token.js';
import { credentials } from './credentials.js';
import { Output, type Sink } from './output.js';

export const COMMANDS: readonly Command[] = [
  ...tenantCommands,
  ...tokenCommands,
  ...accountCommands,
  ...separateCommands,
  ...accountImportCommands,
  ...profileCommands,
  ...mappingCommands,
  ...sourceCommands,
  ...extensionCommands,
  ...operatorCommands,
  ...deadLetterCommands,
  ...statusCommands,
  ...doctorCommands,
  ...simulateCommands,
];

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly signal: AbortSignal;
}

/** Runs what was typed. @returns the exit code: 0 done, 1 refused, 2 typed wrongly, 3 not signed in or not allowed, 4 nobody answers */
export async function run(argv: readonly string[], { env, stdout, stderr, signal }: Surroundings, commands = COMMANDS): Promise<number> {
  try {
    const chosen = choose(argv, commands);
    if ('help' in chosen) {
      stdout.write(chosen.help);
      return EXIT.done;
    }
    const { command, given } = chosen;
    let api: Promise<Api> | undefined;
    const context: Context = {
      api: () => {
        api ??= credentials(env).then((found) => new Api(found, signal));
        return api;
      },
      out: new Output(given.json === true, stdout, stderr),
      env,
      signal,
    };
    return await command.run(given, context);
  } catch (error) {
    if (error instanceof CliError) {
      stderr.write(`rollcall: ${error.message}\n`);
      return error.exitCode;
    }
    stderr.write(`rollcall: ${messageOf(error)}\n`);
    return EXIT.refused;
  }
}

type Chosen = { readonly help: string } | { readonly command: Command; readonly given: Given };

/** @throws CliError, usage */
export function choose(argv: readonly string[], commands: readonly Command[]): Chosen {
  const words = argv.filter((part) => !GLOBAL_FLAGS.has(part));
  const wantsHelp = words.length < argv.filter((part) => part !== '--json').length;
  const command = commands
    .filter(({ usage }) => wordsOf(usage).every((word, at) => words[at] === word))
    .sort((one, other) => wordsOf(other.usage).length - wordsOf(one.usage).length)[0];
  if (command === undefined) {
    const near = commands.filter(({ usage }) => wordsOf(usage)[0] === words[0]);
    if (wantsHelp || words.length === 0) return { help: helpOf(near.length > 0 ? near : commands) };
    const known =
      near.length > 0
        ? near.map(({ usage }) => `  rollcall ${usage}`)
        : [...new Set(commands.map(({ usage }) => `  ${wordsOf(usage)[0]}`))];
    throw new CliError(
      `no command "${words
        .filter((word) => !word.startsWith('-'))
        .slice(0, 2)
        .join(' ')}". There ${known.length === 1 ? 'is' : 'are'}:\n${known.join('\n')}`,
      EXIT.usage,
    );
  }
  if (wantsHelp) return { help: helpOf([command], true) };
  return { command, given: parsed(command, words.slice(wordsOf(command.usage).length), argv.includes('--json')) };
}

function parsed(command: Command, rest: readonly string[], json: boolean): Given {
  const flags = (command.options ?? []).map(([text]) => text.split(' ') as [string, string?]);
  const options = Object.fromEntries(
    flags.map(([flag, value]) => [flag.slice(2), { type: value === undefined ? 'boolean' : 'string' } as const]),
  );
  let result: ReturnType<typeof parseArgs>;
  try {
    result = parseArgs({ args: [...rest], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw wrong(command, messageOf(error).split('. ')[0] ?? '');
  }
  const given: Record<string, string | boolean | readonly string[] | undefined> = { json };
  for (const [name, value] of Object.entries(result.values))
    if (typeof value === 'string' || typeof value === 'boolean') given[name] = value;
  const left = [...result.positionals];
  for (const { name, required, many } of argumentsOf(command.usage)) {
    if (many) given[name] = left.splice(0);
    else given[name] = left.shift();
    if (required && given[name] === undefined) throw wrong(command, `${name} is missing`);
  }
  if (left.length > 0) throw wrong(command, `too much: ${left.join(' ')}`);
  return given;
}

const wrong = (command: Command, what: string) => new CliError(`${what}\n\n${helpOf([command], true)}`, EXIT.usage);

/** `tenant create` of `tenant create <tenant>`. */
const wordsOf = (usage: string): string[] => usage.split(' ').filter((part) => !/^[<[]/.test(part));

const argumentsOf = (usage: string) =>
  usage
    .split(' ')
    .filter((part) => /^[<[]/.test(part))
    .map((part) => ({ name: part.replaceAll(/[<>[\].]/g, ''), required: part.startsWith('<'), many: part.includes('...') }));

function helpOf(commands: readonly Command[], whole = false): string {
  const width = Math.max(...commands.map(({ usage }) => usage.length));
  const lines = commands.map(({ usage, summary }) => `  rollcall ${usage.padEnd(width)}  ${summary}`);
  const options = whole ? commands.flatMap(({ options = [] }) => options) : [];
  const flags = [...options, ['--json', 'print JSON, for scripts'], ['--help', 'say this']] as const;
  const flagWidth = Math.max(...flags.map(([flag]) => flag.length));
  return `${lines.join('\n')}\n\n${flags.map(([flag, meaning]) => `  ${flag.padEnd(flagWidth)}  ${meaning}`).join('\n')}\n${whole ? '' : CREDENTIALS}`;
}

const GLOBAL_FLAGS = new Set(['--json', '--help', '-h']);
const CREDENTIALS = `
Signed in by ROLLCALL_OPERATOR_TOKEN and ROLLCALL_ADMIN_URL (http://127.0.0.1:8081 where it is unset), or by a file of mode 0600
with {"url", "token"}: ROLLCALL_CREDENTIALS_FILE, else ~/.config/rollcall/credentials.json.
Exit codes: 0 done, 1 refused, 2 typed wrongly, 3 not signed in or not allowed, 4 nobody answers.
`;
