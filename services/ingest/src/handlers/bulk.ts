import { createHash } from 'node:crypto';
import type { Command, ResourceTypeName } from '@rollcall/directory';
import {
  type BadOperation,
  BULK_RESPONSE_URN,
  type BulkOperation,
  type BulkRequest,
  type BulkStep,
  CORE_TYPES,
  etag,
  IGNORED_MAX,
  type JsonObject,
  type JsonValue,
  locationOf,
  parseBulk,
  planBulk,
  quote,
  resolveReferences,
  ScimError,
  unresolved,
  withoutValues,
} from '@rollcall/scim';
import { type Answers, type Reader, type TenantView, turn } from '@rollcall/store';
import type { Log } from '@rollcall/telemetry';
import type { Caller, Handler, ScimRequest, ScimResponse } from '../exchange.js';
import { errorResponse } from '../respond/errors.js';
import type { Slots } from '../slots.js';
import { uuid8 } from '../uuid8.js';
import { type Asked, createCommand, deleteCommand, patchCommand, readJson, replaceCommand, type Terms } from '../validate/body.js';
import { parseIdempotencyKey } from '../validate/idempotency.js';
import { parseId } from '../validate/path.js';
import { type Alone, alone } from './bulk-alone.js';
import { Incomplete } from './bulk-incomplete.js';
import { type Turn, Turns, turnsOf } from './bulk-turns.js';
import type { Execute } from './execute.js';

export interface BulkDeps {
  readonly execute: Execute;
  readonly reader: Pick<Reader, 'view'>;
  readonly answers: Pick<Answers, 'read' | 'keep' | 'take' | 'giveBack'>;
  readonly bulk: BulkLimits;
  /** Bulk requests that are being carried out. */
  readonly bulkSlots: Pick<Slots, 'answer'>;
  /** How long an operation may take. */
  readonly deadline_ms: number;
  readonly log: Log;
}

export interface BulkLimits {
  readonly operationsMax: number;
  readonly payloadBytesMax: number;
  /** How long operations are begun; what is left then is answered 503. Each has its own deadline besides. */
  readonly begin_ms: number;
}

/**
 * POST /Bulk (RFC 7644 §3.7): 200 with what became of each operation; 400 or 413 for the request as a whole. Operations that touch different things
 * are carried out side by side, so that all ends as if done one by one; each goes the way of a request of its own. Under an `Idempotency-Key` a
 * request may be sent again: what was done is not done twice, and answered as before; 422 where it is another request; 503 where it is still being
 * carried out.
 */
export const postBulk =
  (deps: BulkDeps): Handler =>
  async (request, caller) => {
    const idempotencyKey = parseIdempotencyKey(request);
    const body = await readJson(request);
    const bulk = parseBulk(body, deps.bulk);
    return deps.bulkSlots.answer(caller.tenant, request, () => carryOut(deps, request, caller, { idempotencyKey, body, bulk }));
  };

async function carryOut(
  deps: BulkDeps,
  request: ScimRequest,
  caller: Caller,
  { idempotencyKey, body, bulk }: { readonly idempotencyKey: string | undefined; readonly body: JsonValue; readonly bulk: BulkRequest },
): Promise<ScimResponse> {
  const until = performance.now() + deps.bulk.begin_ms;
  const kept = idempotencyKey === undefined ? undefined : await keptAnswers(deps, caller, { idempotencyKey, body, until });
  try {
    const run = new BulkRun(deps, request, caller, until, kept);
    const answer = { schemas: [BULK_RESPONSE_URN], Operations: await carriedOut(run, bulk) };
    return { status: 200, body: answer, about: { tenant: caller.tenant }, ignored: [...run.ignored] };
  } finally {
    await kept?.run.end();
  }
}

/** A thousand operations are read, put in order and begun by turns: everybody else has theirs in between. */
async function carriedOut(run: BulkRun, { failOnErrors, operations }: BulkRequest): Promise<JsonObject[]> {
  await turn();
  const works = await run.works(operations);
  await turn();
  const outcomes = failOnErrors === undefined ? await sideBySide(works) : await oneByOne(works, failOnErrors);
  const done = operations.filter(({ index }) => outcomes.has(index));
  return done.map((operation) => run.result(operation, outcomes.get(operation.index)!));
}

/** What came of one operation. */
interface Outcome {
  readonly status: number;
  readonly id?: string | undefined;
  readonly version?: number | undefined;
  readonly error?: JsonObject | undefined;
}

/** An outcome as it is kept for a day: a person who is named in an error's detail may be purged before. */
function withoutPeople({ error, ...outcome }: Outcome): Outcome {
  if (typeof error?.detail !== 'string') return { ...outcome, ...(error === undefined ? {} : { error }) };
  return { ...outcome, error: { ...error, detail: withoutValues(error.detail) } };
}

/** A piece of work, in its turn. An operation may be two: a group in a circle is completed by the second. */
interface Work {
  readonly operation: BulkOperation | BadOperation;
  turns(): readonly Turn[];
  run(): Promise<Outcome>;
}

/** By the place of the operation. */
type Outcomes = Map<number, Outcome>;

interface Kept {
  readonly view: TenantView;
  readonly key: string;
  readonly fingerprint: string;
  /** There is no other while this one is under way. */
  readonly run: Alone;
  /** Of the runs before this one. */
  readonly answers: ReadonlyMap<string, string>;
}

/** Carries out one request. */
class BulkRun {
  readonly #deps: BulkDeps;
  readonly #request: ScimRequest;
  readonly #caller: Caller;
  readonly #kept: Kept | undefined;
  readonly #ids = new Map<string, string>();
  /** What was not made, and may be when it is tried again; by bulkId. */
  readonly #comesAgain = new Set<string>();
  readonly #until: number;
  /** Names in any operation that no schema knows, which were left out. */
  readonly ignored = new Set<string>();

  constructor(deps: BulkDeps, request: ScimRequest, caller: Caller, until: number, kept: Kept | undefined) {
    this.#deps = deps;
    this.#request = request;
    this.#caller = caller;
    this.#kept = kept;
    this.#until = until;
  }

  /** In an order in which each can be done. */
  async works(operations: readonly (BulkOperation | BadOperation)[]): Promise<Work[]> {
    const bad = operations.filter((each): each is BadOperation => 'error' in each);
    const planning = planBulk(operations.filter((each): each is BulkOperation => !('error' in each)));
    let plan = planning.next();
    for (; !plan.done; plan = planning.next()) await turn();
    await turn();
    const works: Work[] = [];
    const incomplete = new Incomplete();
    for (const step of plan.value) {
      while (bad[0] && bad[0].index < step.operation.index) works.push(this.#refusal(bad.shift()!));
      works.push({
        operation: step.operation,
        turns: () => turnsOf(step.operation),
        run: () => this.#answered(step.operation, String(step.operation.index), () => this.#carryOut(step)),
      });
      for (const ready of incomplete.next(step)) works.push(this.#completion(ready));
    }
    works.push(...bad.map((each) => this.#refusal(each)));
    return works;
  }

  #refusal(operation: BadOperation): Work {
    return { operation, turns: () => [], run: async () => this.#failure(operation.error) };
  }

  #completion(step: BulkStep): Work {
    const { operation, completion } = step;
    return {
      operation,
      turns: () => turnsOf({ ...operation, method: 'PATCH', id: `bulkId:${operation.bulkId}`, data: [...completion!.members] }),
      run: () => this.#answered(operation, `${operation.index}+`, () => this.#complete(step)),
    };
  }

  async #carryOut({ operation, data, references, completion, refused }: BulkStep): Promise<Outcome> {
    if (refused) throw refused;
    const type = typeAt(operation.endpoint);
    for (const bulkId of references) if (!this.#ids.has(bulkId)) throw this.#notMade(bulkId);
    const [id, body] = [String(this.#resolved(operation.id)), this.#resolved(data ?? null)];
    const { versioned } = await this.#execute((by) => {
      // The members that close the circle were left out: what they would be refused for is known before anything is made.
      if (completion?.inItself && by.rules?.groupCycles === 'refuse') throw wouldBeInItself();
      return commandOf(operation, type, id, body, by);
    }, String(operation.index));
    return { status: STATUS[operation.method], id: versioned.resource.id, version: versioned.version };
  }

  /** Adds the members that were left out, now that they are there. */
  async #complete({ operation, completion }: BulkStep): Promise<Outcome> {
    const id = this.#ids.get(operation.bulkId!);
    if (id === undefined) throw this.#notMade(operation.bulkId!);
    for (const bulkId of completion!.references) {
      if (this.#ids.has(bulkId)) continue;
      if (this.#comesAgain.has(bulkId)) throw this.#notMade(bulkId);
      throw new ScimError(409, 'invalidValue', `made without bulkId:${bulkId}, which was not made`);
    }
    const members = this.#resolved([...completion!.members]);
    const body = { Operations: [{ op: 'add', path: 'members', value: members }] };
    const { versioned } = await this.#execute((by) => patchCommand('Group', id, body, undefined, by), `${operation.index}+`);
    return { status: STATUS.POST, id, version: versioned.version };
  }

  async #execute(asked: Asked, part: string): ReturnType<Execute> {
    // Of the request, too: once its answers are forgotten, nobody knows that another one came under the key.
    const id = this.#kept && uuid8(this.#caller.tenant, this.#kept.key, this.#kept.fingerprint, part);
    const executed = await this.#deps.execute(this.#caller, asked, this.#request.id, id);
    for (const name of executed.ignored ?? []) if (this.ignored.size < IGNORED_MAX) this.ignored.add(name);
    return executed;
  }

  /** What was answered before under the same key is answered again; what may be tried again is tried again. */
  async #answered(operation: BulkOperation, part: string, work: () => Promise<Outcome>): Promise<Outcome> {
    const before = this.#kept?.answers.get(part);
    const outcome = before === undefined ? await this.#noted(part, await this.#outcome(work)) : (JSON.parse(before) as Outcome);
    if (operation.method === 'POST') {
      if (outcome.id !== undefined) this.#ids.set(operation.bulkId!, outcome.id);
      else if (mayComeAgain(outcome.status)) this.#comesAgain.add(operation.bulkId!);
    }
    return outcome;
  }

  /** Notes down what is not to be done again. @returns what is told to whoever asks under the key: the first that was noted down */
  async #noted(part: string, outcome: Outcome): Promise<Outcome> {
    if (this.#kept === undefined || mayComeAgain(outcome.status)) return outcome;
    const { view, key } = this.#kept;
    // Done is done: what can't be noted down is found again by what was done.
    const own = JSON.stringify(withoutPeople(outcome));
    const first = await this.#deps.answers.keep(view, key, part, own).catch(() => undefined);
    return first === undefined || first === own ? outcome : (JSON.parse(first) as Outcome);
  }

  /** What refers to something that may still be made may itself be tried again. */
  #notMade(bulkId: string): ScimError {
    if (!this.#comesAgain.has(bulkId)) return unresolved(bulkId);
    return new ScimError(503, undefined, `bulkId:${bulkId} could not be made for now; send both operations again`);
  }

  async #outcome(work: () => Promise<Outcome>): Promise<Outcome> {
    if (performance.now() > this.#until)
      return this.#failure(new ScimError(503, undefined, 'not begun: the request took too long; send this operation again'));
    if (this.#kept?.run.mayBegin() === false)
      return this.#failure(new ScimError(503, undefined, 'not begun: Redis does not answer; send this operation again'));
    try {
      return await work();
    } catch (error) {
      return this.#failure(error);
    }
  }

  #failure(error: unknown): Outcome {
    const { status, body, fault } = errorResponse(error, this.#request.id);
    if (status === 500)
      this.#deps.log.error(
        { event: 'bulk.operation.failed', requestId: this.#request.id, error: fault?.error },
        'an operation of a Bulk failed',
      );
    return { status, error: body };
  }

  #resolved(value: JsonValue): JsonValue {
    return resolveReferences(value, this.#ids);
  }

  /** What is answered for an operation, once all are over: by then it is known what each refers to (RFC 7644 §3.7.3). */
  result(operation: BulkOperation | BadOperation, { status, id, version, error }: Outcome): JsonObject {
    const { method, bulkId } = operation;
    const location = this.#location(operation, id);
    return {
      ...(location === undefined ? {} : { location }),
      ...(method === undefined ? {} : { method }),
      ...(bulkId === undefined ? {} : { bulkId }),
      ...(version === undefined || method === 'DELETE' ? {} : { version: etag(version) }),
      status: String(status),
      ...(error === undefined ? {} : { response: error }),
    };
  }

  /** Required of all but a POST that failed, unless it made something all the same: a group that was not completed (RFC 7644 §3.7). */
  #location(operation: BulkOperation | BadOperation, known: string | undefined): string | undefined {
    const { method, bulkId, endpoint } = operation;
    const type = endpoint === undefined ? undefined : TYPES[endpoint];
    const made = 'error' in operation ? undefined : this.#ids.get(bulkId ?? '');
    const id = known ?? (method?.toUpperCase() === 'POST' ? made : String(this.#resolved(operation.id ?? '')));
    return type !== undefined && id !== undefined && UUID.test(id) ? locationOf(CORE_TYPES[type], id, this.#request.baseUrl) : undefined;
  }
}

interface Repeatable {
  readonly idempotencyKey: string;
  readonly body: JsonValue;
  /** How long an earlier run may be waited for. */
  readonly until: number;
}

/** @throws ScimError 422, where another request came under the same key; TransientError where the same one is still under way */
async function keptAnswers({ reader, answers, deadline_ms }: BulkDeps, { tenant }: Caller, asked: Repeatable): Promise<Kept> {
  const view = await reader.view(tenant, 'write');
  const digest = (text: string) => createHash('sha256').update(text).digest('base64url');
  const key = digest(asked.idempotencyKey);
  const fingerprint = digest(JSON.stringify(asked.body));
  if ((await answers.keep(view, key, 'request', fingerprint)) !== fingerprint)
    throw new ScimError(422, undefined, 'Idempotency-Key: another request was sent under it; take a new one');
  const run = await alone({ answers, view, key, operation_ms: deadline_ms, until: asked.until });
  try {
    return { view, key, fingerprint, run, answers: await answers.read(view, key) };
  } catch (error) {
    await run.end();
    throw error;
  }
}

/** All at once, as far as they don't touch the same. */
async function sideBySide(works: readonly Work[]): Promise<Outcomes> {
  const turns = new Turns();
  const limit = new Limit(CONCURRENCY);
  const outcomes: Outcomes = new Map();
  const begin = async ({ operation, turns: needed, run }: Work) => {
    let done!: () => void;
    const over = new Promise<void>((resolve) => {
      done = resolve;
    });
    const before = turns.take(needed(), over);
    try {
      await before;
      keep(outcomes, operation, await limit.run(run));
    } finally {
      done();
    }
  };
  const begun: Promise<void>[] = [];
  for (const [at, work] of works.entries()) {
    if (at > 0 && at % BEGUN_AT_ONCE === 0) await turn();
    const going = begin(work);
    going.catch(() => {}); // what fails while others are begun is told at the end
    begun.push(going);
  }
  await Promise.all(begun);
  return outcomes;
}

/** Stops at so many errors; what was not begun is not in the answer (RFC 7644 §3.7.3). */
async function oneByOne(works: readonly Work[], failOnErrors: number): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  for (const { operation, run } of works) {
    keep(outcomes, operation, await run());
    if ([...outcomes.values()].filter(isFailure).length >= failOnErrors) break;
  }
  return outcomes;
}

/** An operation that was made and could not be completed has failed; one that failed before has nothing to be completed. */
function keep(outcomes: Outcomes, { index }: { readonly index: number }, outcome: Outcome): void {
  const before = outcomes.get(index);
  if (before === undefined || !isFailure(before)) outcomes.set(index, outcome);
}

const isFailure = ({ status }: Outcome): boolean => status >= 400;
const mayComeAgain = (status: number): boolean => status === 429 || status >= 500;

/** Lets so many run at a time, in the order in which they came. */
class Limit {
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  constructor(readonly most: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

const wouldBeInItself = (): ScimError =>
  ScimError.of('invalidValue', 'members: with groups of this request as members the group would be in itself; this tenant refuses that');

/** @throws ScimError 404 */
function typeAt(endpoint: string): ResourceTypeName {
  const type = Object.hasOwn(TYPES, endpoint) ? TYPES[endpoint] : undefined;
  if (type === undefined) throw new ScimError(404, undefined, `path: nothing is at ${quote(endpoint)}`);
  return type;
}

/** @throws ScimError as for a request of its own */
function commandOf({ method, version }: BulkOperation, type: ResourceTypeName, idInPath: string, data: JsonValue, by: Terms): Command {
  switch (method) {
    case 'POST':
      return createCommand(type, data, by);
    case 'PUT':
      return replaceCommand(type, parseId(type, idInPath), data, version, by);
    case 'PATCH':
      // RFC 7644 §3.7 shows the operations by themselves, too.
      return patchCommand(type, parseId(type, idInPath), Array.isArray(data) ? { Operations: data } : data, version, by);
    case 'DELETE':
      return deleteCommand(type, parseId(type, idInPath), version);
  }
}

const TYPES: Readonly<Record<string, ResourceTypeName>> = { '/Users': 'User', '/Groups': 'Group' };
const STATUS = { POST: 201, PUT: 200, PATCH: 200, DELETE: 204 } as const;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Enough to keep Redis busy, and no more than others can live with. */
const CONCURRENCY = 16;
const BEGUN_AT_ONCE = 50;
