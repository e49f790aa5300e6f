// The texts of --help.
import type { Command } from './command.js';

/** `tenant create` of `tenant create <tenant>`. */
export const wordsOf = (usage: string): string[] => usage.split(' ').filter((part) => !/^[<[]/.test(part));

const START = [
  ['rollcall tenant create acme', 'create a tenant: one customer with its own identity provider'],
  ['rollcall token create acme --name Okta', 'create the token that its identity provider signs in with'],
  ['rollcall status', 'show what needs attention; status acme: one tenant'],
  ['rollcall doctor', 'check the settings of the live servers'],
] as const;

/** Commands by their first word, under a heading. */
const GROUPS: readonly (readonly [heading: string, ...topics: string[]])[] = [
  ['Is it working?', 'status', 'doctor', 'dead-letter', 'simulate'],
  ['Tenants', 'tenant', 'source', 'extension'],
  ['How identity providers sign in', 'token', 'client'],
  ['People', 'account'],
  ['What people may use', 'profile', 'mapping'],
  ['Who may use this command', 'operator'],
];

const GLOBAL = [
  ['--json', 'print JSON, for scripts'],
  ['--help', 'show this help'],
] as const;

/** All commands, by what one wants to do. */
export function overview(commands: readonly Command[], version: string): string {
  const listed = GROUPS.map(([heading, ...topics]) => ({
    heading,
    commands: topics.flatMap((topic) => commands.filter(({ usage }) => wordsOf(usage)[0] === topic)),
  }));
  const known = new Set(listed.flatMap((group) => group.commands));
  const others = commands.filter((command) => !known.has(command));
  const width = Math.max(...commands.map(({ usage }) => usage.length));
  const groups = [...listed, { heading: 'More', commands: others }]
    .filter((group) => group.commands.length > 0)
    .map(
      (group) =>
        `${group.heading}\n${columns(
          group.commands.map(({ usage, summary }) => [usage, summary] as const),
          width,
        )}`,
    );
  return [
    `rollcall ${version}: administer a SCIM provisioning service`,
    'Usage: rollcall <command> [arguments] [options]',
    `Start here\n${columns(START)}`,
    ...groups,
    `Options of every command\n${columns([...GLOBAL, ['--version', 'print the version'] as const])}`,
    `More about one command: rollcall <command> --help\n${CREDENTIALS}`,
  ].join('\n\n');
}

/** Commands that begin with the same word. */
export const topic = (commands: readonly Command[]): string =>
  `${columns(commands.map(({ usage, summary }) => [`rollcall ${usage}`, summary] as const))}\n\n${columns(GLOBAL)}\n`;

/** One command, with its options. */
export function manual({ usage, summary, options = [], aliases = [] }: Command): string {
  const others = aliases.map((alias) => `Also: rollcall ${alias}\n`).join('');
  return `rollcall ${usage}\n  ${summary}\n${others}\n${columns([...options, ...GLOBAL])}\n`;
}

function columns(rows: readonly (readonly [string, string])[], least = 0): string {
  const width = Math.max(least, ...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`).join('\n');
}

const CREDENTIALS = `
The command signs in with ROLLCALL_OPERATOR_TOKEN at ROLLCALL_ADMIN_URL (http://127.0.0.1:8081 if unset), or with a file of mode 0600
that holds {"url", "token"}: ROLLCALL_CREDENTIALS_FILE, else ~/.config/rollcall/credentials.json.
Exit codes: 0 done, 1 refused or something needs attention, 2 wrong arguments, 3 not signed in or not allowed, 4 no answer.
`;
