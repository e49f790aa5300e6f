import { isMongoTransientCode, NAME_INDEXES } from '@rollcall/store';
import { rulesOf } from './validator-rules.js';

/** Why a resource is held, in words that tell of nobody: an operator reads them, and redrives by them. */
export interface Cause {
  readonly reason: string;
  /** MongoDB's or the driver's own code. */
  readonly code?: number | string | undefined;
  /** Which rules of a validator refused the document, without its values, see `rulesOf`. */
  readonly rules?: readonly string[];
}

/** What MongoDB's, or the driver's, refusal of one document means. */
export type Refusal =
  /** The document is there already: it is to be written as an update. */
  | { readonly kind: 'exists' }
  /** Another document has the name; whether it keeps it is for its own newest state to say. */
  | { readonly kind: 'nameTaken' }
  /** Nothing is wrong with the document. */
  | { readonly kind: 'transient' }
  /** Never as it stands. */
  | { readonly kind: 'permanent'; readonly cause: Cause }
  /** Nobody has thought of it: tried again a few times. */
  | { readonly kind: 'unknown'; readonly cause: Cause };

export const NAME_TAKEN = 'another resource holds the name';
const REASONS: ReadonlyMap<number, string> = new Map([
  [121, 'a validator refuses the document'],
  ...[10334, 17419, 17420, 17280].map((code) => [code, 'the document is too large'] as const),
  ...[2, 14, 52, 57, 15].map((code) => [code, 'the document has a form that MongoDB refuses'] as const),
]);
/** Thrown by the driver before anything is sent, only where the document can't be written as BSON. */
const UNWRITABLE = new Set([
  'BSONError',
  'BSONVersionError',
  'BSONRuntimeError',
  'BSONOffsetError',
  'MongoInvalidArgumentError',
  'RangeError',
]);
const DUPLICATE_KEY = 11000;

/** An error of MongoDB or of its driver, as far as it is looked at. */
interface Refused {
  readonly code?: unknown;
  readonly name?: string | undefined;
  readonly message?: string | undefined;
  readonly errInfo?: unknown;
}

/** Told by the code; only which index was violated stands nowhere but in the message, before any value. */
export function refusalOf({ code, name, message, errInfo }: Refused): Refusal {
  if (isMongoTransientCode(code)) return { kind: 'transient' };
  if (code === DUPLICATE_KEY) {
    const index = / index: (\S+) dup key/.exec(message ?? '')?.[1];
    if (index === '_id_') return { kind: 'exists' };
    if (index !== undefined && NAME_INDEXES.has(index)) return { kind: 'nameTaken' };
    return { kind: 'permanent', cause: { reason: `another resource holds what index ${index ?? 'unknown'} keeps unique`, code } };
  }
  const reason = typeof code === 'number' ? REASONS.get(code) : undefined;
  if (reason !== undefined) {
    const rules = rulesOf(errInfo);
    return { kind: 'permanent', cause: { reason, code: code as number, ...(rules.length === 0 ? {} : { rules }) } };
  }
  if (name !== undefined && UNWRITABLE.has(name)) {
    return { kind: 'permanent', cause: { reason: 'the document can not be written as BSON', code: name } };
  }
  return { kind: 'unknown', cause: { reason: 'an unknown error', code: typeof code === 'number' ? code : name } };
}
