// What a log line may not hold.

const HIDDEN = '[redacted]';
const DEPTH_MAX = 5;
const ITEMS_MAX = 20;
const TEXT_MAX = 2_000;

/** Names, in lower case and without signs, whose values are secrets or tell of a person. */
const HIDDEN_NAMES = new Set([
  ...['authorization', 'proxyauthorization', 'cookie', 'setcookie', 'token', 'accesstoken', 'refreshtoken', 'password', 'secret'],
  ...['clientsecret', 'apikey', 'operatortoken', 'rollcalloperatortoken', 'rollcalldemotoken', 'mongodburi', 'redisurl'],
  ...['username', 'email', 'emails', 'displayname', 'nickname', 'givenname', 'familyname', 'middlename', 'formatted', 'externalid'],
  ...['phonenumbers', 'addresses', 'ims', 'photos', 'profileurl', 'employeenumber', 'manager', 'identity', 'namekey', 'filter'],
  ...['doc', 'document', 'body', 'before', 'after', 'keyvalue'],
]);
/** Names that are harmless before a word, but not before an object. */
const HIDDEN_OBJECTS = new Set([
  'name',
  'resource',
  'command',
  'query',
  'op',
  'premises',
  'user',
  'group',
  'members',
  'writeerrors',
  'value',
]);

/** A copy of what is to be logged, with secrets and persons replaced, errors in safe form, and no more than a line can bear. */
export function withoutSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  return members(fields, 0);
}

/** Message without what stands in quotes or braces, without addresses, tokens, and passwords in URLs: drivers and parsers quote data. */
export function scrub(message: string): string {
  return message
    .slice(0, TEXT_MAX)
    .replace(/\{[\s\S]*\}/g, '{…}') // E11000 … dup key: { nameKey: "ada" }
    .replace(/"[^"]*("|$)/g, '"…"')
    .replace(/\b(Bearer|Basic)\s+\S+/gi, '$1 …')
    .replace(/:\/\/[^/@\s]*@/g, '://') // the password in a URL
    .replace(/[^\s@"'<>()/]+@[^\s@"'<>()]+/g, '…@…');
}

function safe(value: unknown, depth: number): unknown {
  if (value instanceof Error) return errorForm(value, depth);
  if (typeof value === 'string') return value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (depth >= DEPTH_MAX) return '…';
  if (Array.isArray(value)) {
    const items = value.slice(0, ITEMS_MAX).map((item) => safe(item, depth + 1));
    return value.length > ITEMS_MAX ? [...items, `… ${value.length - ITEMS_MAX} more`] : items;
  }
  return members(value, depth);
}

function members(object: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, hidden(name, value) ? HIDDEN : safe(value, depth + 1)]));
}

// Numbers and truth values tell of nobody: `token: true`, `emails: 2` may be logged. An error is made safe in its own way.
function hidden(name: string, value: unknown): boolean {
  const plain = name.replace(/[^A-Za-z]/g, '').toLowerCase();
  if (typeof value === 'string') return HIDDEN_NAMES.has(plain);
  if (typeof value !== 'object' || value === null || value instanceof Error) return false;
  return HIDDEN_NAMES.has(plain) || HIDDEN_OBJECTS.has(plain);
}

function errorForm(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const code = 'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? { code: error.code } : {};
  const deeper = depth < DEPTH_MAX;
  return {
    type: name,
    message: scrub(message),
    ...code,
    // The head of a stack repeats the message, quotes and all.
    stack: stack
      ?.split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n'),
    ...(deeper && cause instanceof Error ? { cause: errorForm(cause, depth + 1) } : {}),
    ...(deeper && error instanceof AggregateError
      ? { errors: error.errors.slice(0, ITEMS_MAX).map((one: unknown) => safe(one, depth + 1)) }
      : {}),
  };
}
