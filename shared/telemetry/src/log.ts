// The log: one JSON object a line, with ids and versions, never with a document, a token or a person.
import { type DestinationStream, type Level, type Logger, pino, stdTimeFunctions } from 'pino';
import { scrub, withoutSecrets } from './redact.js';

export type Log = Logger;

export interface LogOptions {
  readonly service: string;
  readonly level?: Level | 'silent';
  /** Where lines go; standard output if left out. */
  readonly destination?: DestinationStream;
}

/** What a line may be about. */
export interface About {
  readonly tenant?: string | undefined;
  readonly id?: string | undefined;
  readonly version?: number | undefined;
  readonly requestId?: string | undefined;
}

/**
 * The log of a process. Members that may hold a secret or a person are replaced by name, at any depth; an error gives its name, its code,
 * its stack and its message without what stands in quotes, as drivers quote the data that they refuse.
 */
export function createLog({ service, level = 'info', destination }: LogOptions): Log {
  return pino(
    {
      level,
      base: { service },
      timestamp: stdTimeFunctions.isoTime,
      messageKey: 'message',
      errorKey: 'error',
      serializers: { err: asItIs, error: asItIs }, // `formatters.log` has done it, at any depth
      formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
      hooks: {
        logMethod(args, method) {
          // pino would make an error's message the line's message as it is.
          const [first, second, ...rest] = args as unknown[];
          if (first instanceof Error) {
            const message = typeof second === 'string' ? second : scrub(first.message);
            return method.apply(this, [{ error: first }, message, ...(rest as never[])]);
          }
          if (hasError(first) && second === undefined) return method.apply(this, [first, scrub(first.error.message)]);
          return method.apply(this, args);
        },
      },
    },
    destination ?? pino.destination({ dest: 1, sync: true }), // nothing is lost when the process is killed
  );
}

/** A log whose every line says what it is about. Nothing but these four gets through, whatever the object holds. */
export function loggerOf(log: Log, { tenant, id, version, requestId }: About): Log {
  const about = { tenant, id, version, requestId };
  return log.child(Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined)));
}

/**
 * Sends what libraries print to the console to the log, at debug: lines that are no JSON would break the stream, and what they say of our servers is
 * checked, and said, by ourselves.
 */
export function captureConsole(log: Log): void {
  for (const method of ['log', 'info', 'warn', 'error'] as const)
    console[method] = (...args: unknown[]) =>
      log.debug({ event: 'library.printed', printed: args.map((arg) => scrub(String(arg))) }, 'a library printed this');
}

/** A log that says nothing, for tests and for parts that nobody gave one. */
export const silentLog = (): Log => pino({ level: 'silent' });

const asItIs = (value: unknown): unknown => value;

const hasError = (value: unknown): value is { error: Error } =>
  typeof value === 'object' && value !== null && 'error' in value && value.error instanceof Error;
