// Sends the requests of a life to a real pair: the identity provider's by SCIM, at any ingest; the administrator's by the admin API.
import { BULK_REQUEST_URN, USER_URN } from '@rollcall/scim';
import type { Admin, AdminAnswer } from '../admin.js';
import { versionOf } from '../check.js';
import type { Answer, Client } from '../client.js';
import { until } from '../environment.js';
import { patchBody } from '../users.js';
import type { Ends, Look, Seen, Sent, Shown } from './live.js';
import { isOfIdp, type Person } from './requests.js';

export interface Pair {
  readonly tenant: string;
  /** At each ingest. */
  readonly clients: readonly Client[];
  readonly admin: Admin;
  /** Tells the keys of one life from those of others. */
  readonly life: string;
}

/** Two at once go to two ingests. */
export function endsOf(pair: Pair): Ends {
  let turn = pair.life.length;
  const known = new Set<string>();
  const send: Ends['send'] = (requests) =>
    Promise.all(
      requests.map(async (sent) => {
        const key = sent.key === undefined ? undefined : `${pair.tenant}-${pair.life}-${sent.key}`;
        const isRepeated = key !== undefined && known.has(key);
        if (key !== undefined) known.add(key);
        const client = pair.clients[turn++ % pair.clients.length]!;
        const ask = async () => {
          if (!isOfIdp(sent.request)) return byAdmin(pair, sent, key);
          if (key === undefined) return byScim(client, sent);
          return { ...(await byBulk(client, sent, key)), ...(isRepeated ? { isKept: true } : {}) };
        };
        // A 503 is a no, which a busy machine may say: nothing was done, so it is asked again.
        return until(`an answer to ${sent.request.kind}`, ask, ({ status }) => status !== 503, 60_000);
      }),
    );
  return { send, look: (id) => look(pair, id) };
}

/** An account as the administrator sees it. */
export async function look({ tenant, admin }: Pick<Pair, 'tenant' | 'admin'>, id: string): Promise<Look> {
  const { status, body } = await admin(`GET /tenants/${tenant}/accounts/${id}`);
  if (status !== 200) throw new Error(`${id}: ${status}`);
  return { id: body.id, version: body.version, shows: shownByAdmin(body) };
}

/** How SCIM shows a resource. */
export const shownByScim = ({ userName, emails, externalId, title, active }: ScimUser) => ({
  ...{ userName, email: emails?.[0]?.value, externalId, title, active },
});

/** How the admin API shows an account. */
export function shownByAdmin({
  user,
  preservedBy,
  deleted,
  managedBy,
  origin,
  profile,
  profileBy,
  storage,
}: AdminAnswer['body']): Required<Shown> {
  return {
    ...{ ...shownByScim(user), preservedBy: [...preservedBy].sort(), deleted },
    ...{ managedBy, origin, profile, profileBy, storage },
  };
}

interface ScimUser {
  readonly userName: string;
  readonly emails?: readonly { readonly value: string }[];
  readonly externalId?: string;
  readonly title?: string;
  readonly active: boolean;
}

async function byScim(client: Client, sent: Sent): Promise<Seen> {
  const { method, path, data } = scimOf(sent);
  const { status, headers, body }: Answer = await client.request(method, path, data);
  if (status >= 300) return { status, scimType: body?.scimType, detail: body?.detail };
  if (body === undefined) return { status, id: sent.id };
  return { status, id: body.id, version: versionOf(headers.etag), shows: shownByScim(body) };
}

async function byBulk(client: Client, sent: Sent, key: string): Promise<Seen> {
  const { method, path, data } = scimOf(sent);
  const operation = { method, path, ...(method === 'POST' ? { bulkId: 'b' } : {}), ...(data === undefined ? {} : { data }) };
  const body = { schemas: [BULK_REQUEST_URN], Operations: [operation] };
  const answer = await client.request('POST', '/Bulk', body, { headers: { 'Idempotency-Key': key } });
  const [result] = answer.body?.Operations ?? [];
  if (!result) return { status: answer.status, detail: answer.text };
  const status = Number(result.status);
  if (status >= 300) return { status, scimType: result.response.scimType, detail: result.response.detail };
  const version = result.version === undefined ? undefined : versionOf(result.version);
  return { status, id: result.location.split('/').at(-1), version };
}

async function byAdmin({ tenant, admin }: Pair, { request, id }: Sent, key: string | undefined): Promise<Seen> {
  const at = `/tenants/${tenant}/accounts`;
  const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key };
  const answer = await (() => {
    switch (request.kind) {
      case 'preserve':
        return admin(`POST ${at}/${id}/preserve`, { reason: 'a reason' }, headers);
      case 'reactivate':
        return admin(`POST ${at}/${id}/reactivate`, undefined, headers);
      case 'adopt':
      case 'separate':
        return admin(`POST ${at}/${id}/${request.kind}`, { userName: request.userName, externalId: request.externalId }, headers);
      case 'set':
        return admin(`PATCH ${at}/${id}`, { profile: request.profile, storage: request.storage });
      case 'make': {
        const { userName, email, externalId } = request.person;
        const { profile, storage } = request;
        return admin(`POST ${at}`, { userName, ...emailsOf(email), externalId, profile, storage }, headers);
      }
      default:
        throw new Error(`not the administrator's: ${request.kind}`);
    }
  })();
  if (answer.status >= 300) return { status: answer.status, detail: answer.body?.detail };
  return {
    ...{ status: answer.status, id: answer.body.id, version: answer.body.version, shows: shownByAdmin(answer.body) },
    ...(answer.headers.has('idempotency-replayed') ? { isKept: true } : {}),
  };
}

function scimOf({ request, id }: Sent): { readonly method: string; readonly path: string; readonly data?: unknown } {
  const path = `/Users/${id}`;
  switch (request.kind) {
    case 'assign':
      return { method: 'POST', path: '/Users', data: userOf(request.person, request.active) };
    case 'put':
      return { method: 'PUT', path, data: userOf(request.person, request.active) };
    case 'update': {
      const { active } = request;
      const operations = [...Object.entries(request.change).map(operationOf), ...(active === undefined ? [] : [activeOperation(active)])];
      return { method: 'PATCH', path, data: patchBody(...operations) };
    }
    case 'activate':
    case 'deactivate': {
      const active = request.kind === 'activate';
      return { method: 'PATCH', path, data: patchBody(activeOperation(request.asText ? (active ? 'True' : 'False') : active)) };
    }
    case 'delete':
      return { method: 'DELETE', path };
    default:
      throw new Error(`not the identity provider's: ${request.kind}`);
  }
}

const userOf = ({ email, ...person }: Person, active: boolean | undefined) => ({
  schemas: [USER_URN],
  ...person,
  ...emailsOf(email),
  active,
});
const emailsOf = (email: string | undefined) => (email === undefined ? {} : { emails: emailsWith(email) });
const emailsWith = (value: string) => [{ value, primary: true, type: 'work' }];
const activeOperation = (value: boolean | string) => ({ op: 'replace', path: 'active', value });
const operationOf = ([name, value]: [string, string | undefined]) => {
  const path = name === 'email' ? 'emails' : name;
  if (value === undefined) return { op: 'remove', path };
  return { op: 'replace', path, value: name === 'email' ? emailsWith(value) : value };
};
