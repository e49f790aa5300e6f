// What is typed → which command, with what. Only this file knows how arguments are parsed.
import { parseArgs } from 'node:util';
import { Api } from './api.js';
import { CliError, type Command, type Context, EXIT, type Given, messageOf } from './command.js';
import { accountCommands } from './commands/account.js';
import { accountHistoryCommands } from './commands/account-history.js';
import { accountImportCommands } from './commands/account-import.js';
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
import { manual, overview, topic, wordsOf } from './help.js';
import { Output, plainLines, type Sink } from './output.js';
import { nearest } from './suggest.js';
import { version } from './version.js';

export const COMMANDS: readonly Command[] = [
  ...tenantCommands,
  ...tokenCommands,
  ...accountCommands,
  ...accountHistoryCommands,
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

/** Runs what was typed. @returns the exit code: 0 done, 1 refused, 2 wrong arguments, 3 not signed in or not allowed, 4 no answer */
export async function run(argv: readonly string[], { env, stdout, stderr, signal }: Surroundings, commands = COMMANDS): Promise<number> {
  try {
    const chosen = choose(argv, commands);
    if ('text' in chosen) {
      stdout.write(chosen.text);
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
      stderr.write(`rollcall: ${plainLines(error.message)}\n`);
      return error.exitCode;
    }
    stderr.write(`rollcall: ${plainLines(messageOf(error))}\n`);
    return EXIT.refused;
  }
}

type Chosen = { readonly text: string } | { readonly command: Command; readonly given: Given };

/** @throws CliError, usage */
export function choose(argv: readonly string[], commands: readonly Command[]): Chosen {
  const words = argv.filter((part) => !GLOBAL_FLAGS.has(part));
  const asksHelp = argv.some((part) => part === '--help' || part === '-h');
  if (words.length === 0 && argv.includes('--version')) return { text: `${version()}\n` };
  const found = commands
    .flatMap((command) => [wordsOf(command.usage), ...(command.aliases ?? []).map(wordsOf)].map((name) => ({ command, name })))
    .filter(({ name }) => name.every((word, at) => words[at] === word))
    .sort((one, other) => other.name.length - one.name.length)[0];
  if (found === undefined) {
    const related = commands.filter(({ usage }) => wordsOf(usage)[0] === words[0]);
    if (words.length === 0) return { text: overview(commands, version()) };
    if (asksHelp && related.length > 0) return { text: topic(related) };
    if (asksHelp && words[0] === 'help') return { text: overview(commands, version()) };
    throw unknown(words, commands, related);
  }
  const { command, name } = found;
  if (asksHelp) return { text: manual(command) };
  return { command, given: parsed(command, words.slice(name.length), argv.includes('--json')) };
}

/** What is said of a command that does not exist: the one that was probably meant, and those that there are. */
function unknown(words: readonly string[], commands: readonly Command[], related: readonly Command[]): CliError {
  const typed = words.filter((word) => !word.startsWith('-')).slice(0, 2);
  const isKnown = related.length > 0;
  const candidates = (isKnown ? related : commands).flatMap(({ usage, aliases = [] }) =>
    [usage, ...aliases].map((name) => wordsOf(name)[isKnown ? 1 : 0] ?? ''),
  );
  const meant = nearest(typed[isKnown ? 1 : 0] ?? '', candidates);
  const suggestion = meant === undefined ? '' : ` Did you mean "${isKnown ? `${words[0]} ` : ''}${meant}"?`;
  const known = isKnown ? `\n${topic(related)}` : ' All commands: rollcall --help';
  return new CliError(`unknown command "${typed.join(' ')}".${suggestion}${known}`, EXIT.usage);
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
    const message = messageOf(error).split('. ')[0] ?? '';
    const [, option = ''] = /Unknown option '--([^'=]*)/.exec(message) ?? [];
    const meant = option === '' ? undefined : nearest(option, Object.keys(options));
    throw wrong(command, meant === undefined ? message : `${message}. Did you mean --${meant}?`);
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
  if (left.length > 0) throw wrong(command, `too many arguments: ${left.join(' ')}`);
  return given;
}

const wrong = (command: Command, what: string) => new CliError(`${what}\n\n${manual(command)}`, EXIT.usage);

const argumentsOf = (usage: string) =>
  usage
    .split(' ')
    .filter((part) => /^[<[]/.test(part))
    .map((part) => ({ name: part.replaceAll(/[<>[\].]/g, ''), required: part.startsWith('<'), many: part.includes('...') }));

const GLOBAL_FLAGS = new Set(['--json', '--help', '-h', '--version']);
