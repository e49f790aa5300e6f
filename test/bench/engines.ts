// Row j: the engines alone, in this process, beside scimmy's on the patches that Okta and Entra send.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyPatch, compileFilter, type JsonObject, parseFilter, parsePatch, ScimError, USER, validateResource } from '@rollcall/scim';
import { toMongoQuery } from '@rollcall/store';
import SCIMMY from 'scimmy';

export interface EngineRow {
  readonly key: string;
  readonly title: string;
  /** How often a second it was done. */
  measure(seconds: number): Promise<number>;
}

const SCENARIOS = fileURLToPath(new URL('../../conformance/', import.meta.url));
/** Between two looks at the clock. */
const OFTEN = 200;

const PERSON: JsonObject = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
  userName: 'ada@example.com',
  externalId: '00uada',
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  displayName: 'Ada Lovelace',
  title: 'Engineer',
  active: true,
  emails: [{ value: 'ada@example.com', type: 'work', primary: true }],
  phoneNumbers: [
    { value: '+44 20 1', type: 'work' },
    { value: '+44 20 2', type: 'mobile' },
  ],
  addresses: [{ type: 'work', locality: 'London', country: 'GB' }],
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Engines', employeeNumber: '7' },
};

/** The rows, and whom of the patches they are about. */
export async function engineRows(): Promise<{ readonly rows: readonly EngineRow[]; readonly about: string }> {
  SCIMMY.Schemas.User.definition.extend(SCIMMY.Schemas.EnterpriseUser.definition);
  const person = validateResource(USER, PERSON, { purpose: 'create' }).attributes;
  const theirPerson = new SCIMMY.Schemas.User({ id: '1', ...structuredClone(PERSON) } as never);
  const patch = (body: JsonObject) => applyPatch(USER, person, parsePatch(USER, body));
  const theirPatch = (body: JsonObject) => new SCIMMY.Messages.PatchOp(body as never).apply(theirPerson);

  const all = userPatches().filter((body) => isTaken(() => patch(body)));
  const both: JsonObject[] = [];
  for (const body of all) if (await isTakenBy(theirPatch(structuredClone(body)))) both.push(body);
  const filter = 'userName eq "ada@example.com"';
  const rows: EngineRow[] = [
    { key: 'j1', title: 'PATCH engine, users: rollcall', measure: (seconds) => rate(seconds, (n) => patch(both[n % both.length]!)) },
    { key: 'j2', title: 'PATCH engine, users: scimmy', measure: (seconds) => rate(seconds, (n) => theirPatch(both[n % both.length]!)) },
    {
      key: 'j3',
      title: 'userName eq "x": parsed, compiled to a predicate; not cached',
      measure: (seconds) => rate(seconds, () => compileFilter(parseFilter(USER, filter))),
    },
    {
      key: 'j4',
      title: 'userName eq "x": parsed, compiled to MongoDB; not cached',
      measure: (seconds) => rate(seconds, () => toMongoQuery(parseFilter(USER, filter))),
    },
  ];
  return { rows, about: `${both.length} patches of users from test/conformance; scimmy refuses ${all.length - both.length} more` };
}

/** What both identity providers send to /Users/{id}, as the scenarios have it. */
function userPatches(): JsonObject[] {
  const files = ['okta', 'entra'].flatMap((idp) =>
    readdirSync(path.join(SCENARIOS, idp))
      .filter((file) => file.endsWith('.json'))
      .map((file) => path.join(SCENARIOS, idp, file)),
  );
  return files.flatMap((file) => {
    const text = readFileSync(file, 'utf8').replace(/\{\{\w+\}\}/g, 'x1');
    const { steps } = JSON.parse(text) as { steps: { method: string; path: string; body?: JsonObject }[] };
    return steps.flatMap(({ method, path: to, body }) => (method === 'PATCH' && to.startsWith('/Users/') && body ? [body] : []));
  });
}

async function rate(seconds: number, once: (n: number) => unknown): Promise<number> {
  const began = performance.now();
  let n = 0;
  do {
    for (let i = 0; i < OFTEN; i += 1) {
      const result = once(n + i);
      if (result instanceof Promise) await result;
    }
    n += OFTEN;
  } while (performance.now() - began < seconds * 1_000);
  return (n / (performance.now() - began)) * 1_000;
}

function isTaken(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (error instanceof ScimError) return false;
    throw error;
  }
}

const isTakenBy = (call: Promise<unknown>): Promise<boolean> =>
  call.then(
    () => true,
    () => false,
  );
