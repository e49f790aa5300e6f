import { OperatorError } from './errors.js';
import type { Exit } from './guard.js';

/** A server ended before it worked. The message is one sentence: how it ended, the reason that its log gives, and where the log is. */
export class ServerEnded extends OperatorError {
  readonly exit: Exit;
  readonly lines: readonly string[];

  constructor(name: string, exit: Exit, lines: readonly string[], log: string) {
    const how = exit.signal ?? (exit.code === null ? undefined : `exit code ${exit.code}`);
    const reason = reasonOf(lines);
    super(
      `${name} ended before it was ready${how === undefined ? '' : ` (${how})`}${reason === undefined ? '' : `: ${reason}`}; its log is ${log}`,
    );
    this.exit = exit;
    this.lines = lines;
  }
}

const REASON_CHARACTERS_MAX = 300;

/**
 * The reason that a server's last lines give for its end. MongoDB writes JSON, Redis marks a warning with `#`; the last line of such a kind
 * counts, else the last line of all.
 * @example reasonOf(['{"s":"F","msg":"Could not lock","attr":{"error":"in use"}}', '{"s":"I","msg":"bye"}']) // 'Could not lock: in use'
 */
export function reasonOf(lines: readonly string[]): string | undefined {
  const said = lines.map((line) => line.trim()).filter((line) => line !== '');
  const entries = said.map(readEntry);
  const worst =
    entries.findLast((entry) => entry?.severity === 'E' || entry?.severity === 'F') ?? entries.findLast((entry) => entry !== undefined);
  const text = worst?.text ?? said.findLast((line) => / # /.test(line))?.replace(/^.* # /, '') ?? said.at(-1);
  return text === undefined ? undefined : text.slice(0, REASON_CHARACTERS_MAX).replace(/[.\s]+$/, '');
}

/** One line of MongoDB's structured log. */
function readEntry(line: string): { severity: unknown; text: string } | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { s: severity, msg, attr } = JSON.parse(line) as { s?: unknown; msg?: unknown; attr?: Record<string, unknown> };
    if (typeof msg !== 'string') return undefined;
    const error = attr?.error ?? attr?.errmsg ?? attr?.message;
    const detail = typeof error === 'object' && error !== null ? (error as { errmsg?: unknown }).errmsg : error;
    return { severity, text: typeof detail === 'string' ? `${msg}: ${detail}` : msg };
  } catch {
    return undefined;
  }
}
