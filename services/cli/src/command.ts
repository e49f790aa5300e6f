// What a command is. The parser is told by `program.ts`; nothing else knows which one it is.
import type { Api, JsonObject } from './api.js';
import type { Output } from './output.js';

export interface Context {
  /** Asks the admin API; made when it is first used, so that commands without it need no credentials. */
  readonly api: () => Promise<Api>;
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Ends what takes long. */
  readonly signal: AbortSignal;
}

/** What was given: arguments by their names, options by theirs without dashes. */
export type Given = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Command {
  /** `tenant create <id>`: words, then arguments. */
  readonly usage: string;
  readonly summary: string;
  /** Other words for the same command: `account preserve` for `account block`. */
  readonly aliases?: readonly string[];
  /** As the parser reads them: `--name <name>`, and what they mean. */
  readonly options?: readonly (readonly [flags: string, meaning: string])[];
  /** @returns the exit code */
  readonly run: (given: Given, context: Context) => Promise<number>;
}

/** Exit codes: what a script may rely on. */
export const EXIT = { done: 0, refused: 1, usage: 2, denied: 3, away: 4 } as const;

/** Something that is said in a line, and ends the command. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly exitCode: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What the admin API refused, or could not do for now, with its whole answer. */
export class Refused extends CliError {
  constructor(
    message: string,
    readonly status: number,
    readonly body: JsonObject,
  ) {
    super(message, EXIT.refused);
  }
}

/** A text that was given, or not. */
export function text(given: Given, name: string): string | undefined {
  const value = given[name];
  return typeof value === 'string' ? value : undefined;
}

/** An argument, which the parser has seen to be there. */
export function needed(given: Given, name: string): string {
  const value = text(given, name);
  if (value === undefined) throw new CliError(`${name} is missing`, EXIT.usage);
  return value;
}

/** @throws CliError where it is none, or out of bounds */
export function whole(given: Given, name: string, { least = 0, most = Number.MAX_SAFE_INTEGER } = {}): number | undefined {
  const value = text(given, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most)
    throw new CliError(`--${name}: expected a whole number from ${least} to ${most}, got ${value}`, EXIT.usage);
  return number;
}

/** What an error says, whoever threw it. */
export function messageOf(error: unknown): string {
  const message: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'message') : undefined;
  return typeof message === 'string' ? message : String(error);
}
