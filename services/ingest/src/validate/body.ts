// The body of a request, turned into a command, as soon as it is known by which types.
import type { Command, ResourceTypeName, TenantRules } from '@rollcall/directory';
import {
  type JsonObject,
  type JsonValue,
  parseJson,
  parsePatch,
  quote,
  type ResourceTypes,
  ScimError,
  validateResource,
} from '@rollcall/scim';
import type { ScimRequest } from '../exchange.js';
import { parseId } from './path.js';

/** What a request is read by: what its tenant has settled. */
export interface Terms {
  readonly types: ResourceTypes;
  /** Absent: the defaults. */
  readonly rules?: TenantRules | undefined;
}

/**
 * What a request asks for, as these terms of its tenant have it: read anew where they change before it is decided, as the settings that it was
 * decided by are a premise of its commit. @throws ScimError 400
 */
export type Asked = (by: Terms) => Command;

/** POST. @throws ScimError 400, 413, 415 */
export async function parseCreate(type: ResourceTypeName, request: ScimRequest): Promise<Asked> {
  const body = await readJson(request);
  return (by) => createCommand(type, body, by);
}

/** PUT. The id comes from the path, never from the body. @throws ScimError 400, 404, 413, 415 */
export async function parseReplace(type: ResourceTypeName, request: ScimRequest, idInPath: string): Promise<Asked> {
  const id = parseId(type, idInPath);
  const body = await readJson(request);
  return (by) => replaceCommand(type, id, body, request.header('if-match'), by);
}

/** PATCH. @throws ScimError 400, 404, 413, 415 */
export async function parseChange(type: ResourceTypeName, request: ScimRequest, idInPath: string): Promise<Asked> {
  const id = parseId(type, idInPath);
  const body = await readJson(request);
  return (by) => patchCommand(type, id, body, request.header('if-match'), by);
}

/** DELETE. @throws ScimError 404 */
export function parseDelete(type: ResourceTypeName, request: ScimRequest, idInPath: string): Asked {
  const command = deleteCommand(type, parseId(type, idInPath), request.header('if-match'));
  return () => command;
}

/** The same of what is read already. @throws ScimError 400, 413 */
export const createCommand = (type: ResourceTypeName, body: JsonValue, by: Terms): Command => ({
  kind: 'create',
  type,
  ...validated(type, body, 'create', by),
});
export const replaceCommand = (type: ResourceTypeName, id: string, body: JsonValue, ifMatch: string | undefined, by: Terms): Command => ({
  kind: 'replace',
  type,
  id,
  ...validated(type, body, 'replace', by),
  ...guarded(ifMatch),
});
export const patchCommand = (
  type: ResourceTypeName,
  id: string,
  body: JsonValue,
  ifMatch: string | undefined,
  { types }: Terms,
): Command => ({
  kind: 'patch',
  type,
  id,
  operations: parsePatch(types[type], body),
  ...guarded(ifMatch),
});
export const deleteCommand = (type: ResourceTypeName, id: string, ifMatch: string | undefined): Command => ({
  kind: 'delete',
  type,
  id,
  ...guarded(ifMatch),
});

/** @throws ScimError 415 not JSON by its own word; 400 `invalidSyntax`; 413 */
export async function readJson(request: ScimRequest): Promise<JsonValue> {
  checkContentType(request);
  const text = await request.text();
  if (text === '') throw ScimError.of('invalidSyntax', 'body: expected JSON, got nothing');
  return parseJson(text);
}

function checkContentType(request: ScimRequest): void {
  const encoding = request.header('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ScimError(415, undefined, `Content-Encoding: ${quote(encoding)} is not taken; send the body as it is`);
  const type = request.header('content-type');
  if (type === undefined || !isJson(type)) {
    const got = type === undefined ? 'none' : quote(type);
    throw new ScimError(415, undefined, `Content-Type: expected application/scim+json or application/json in UTF-8, got ${got}`);
  }
}

/** Parameters are let pass, but for a charset that JSON must not have (RFC 8259 §8.1). */
function isJson(type: string): boolean {
  if (!/^\s*application\/(?:scim\+)?json\s*(?:;|$)/i.test(type)) return false;
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(type)?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
}

function validated(
  type: ResourceTypeName,
  body: JsonValue,
  purpose: 'create' | 'replace',
  { types, rules }: Terms,
): { attributes: JsonObject; ignored?: readonly string[] } {
  const unknownAttributes = rules?.unknownAttributes ?? 'ignore';
  const { attributes, ignored } = validateResource(types[type], body, { purpose, unknownAttributes });
  return ignored.length === 0 ? { attributes } : { attributes, ignored };
}

const guarded = (ifMatch: string | undefined): { ifMatch?: string } => (ifMatch === undefined ? {} : { ifMatch });
