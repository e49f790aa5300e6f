// The body of a request, turned into a command.
import type { Command, ResourceTypeName } from '@rollcall/directory';
import { CORE_TYPES, type JsonValue, parseJson, parsePatch, quote, type ResourceTypes, ScimError, validateResource } from '@rollcall/scim';
import type { ScimRequest } from '../exchange.js';
import { parseId } from './path.js';

/** POST. @throws ScimError 400, 413, 415 */
export async function parseCreate(type: ResourceTypeName, request: ScimRequest, types?: ResourceTypes): Promise<Command> {
  return createCommand(type, await readJson(request), types);
}

/** PUT. The id comes from the path, never from the body. @throws ScimError 400, 404, 413, 415 */
export async function parseReplace(
  type: ResourceTypeName,
  request: ScimRequest,
  idInPath: string,
  types?: ResourceTypes,
): Promise<Command> {
  const id = parseId(type, idInPath);
  return replaceCommand(type, id, await readJson(request), request.header('if-match'), types);
}

/** PATCH. @throws ScimError 400, 404, 413, 415 */
export async function parseChange(type: ResourceTypeName, request: ScimRequest, idInPath: string, types?: ResourceTypes): Promise<Command> {
  const id = parseId(type, idInPath);
  return patchCommand(type, id, await readJson(request), request.header('if-match'), types);
}

/** DELETE. @throws ScimError 404 */
export function parseDelete(type: ResourceTypeName, request: ScimRequest, idInPath: string): Command {
  return deleteCommand(type, parseId(type, idInPath), request.header('if-match'));
}

/** The same of what is read already. @throws ScimError 400, 413 */
export const createCommand = (type: ResourceTypeName, body: JsonValue, types: ResourceTypes = CORE_TYPES): Command => ({
  kind: 'create',
  type,
  attributes: validateResource(types[type], body, { purpose: 'create' }).attributes,
});
export const replaceCommand = (
  type: ResourceTypeName,
  id: string,
  body: JsonValue,
  ifMatch: string | undefined,
  types: ResourceTypes = CORE_TYPES,
): Command => {
  const { attributes } = validateResource(types[type], body, { purpose: 'replace' });
  return { kind: 'replace', type, id, attributes, ...guarded(ifMatch) };
};
export const patchCommand = (
  type: ResourceTypeName,
  id: string,
  body: JsonValue,
  ifMatch: string | undefined,
  types: ResourceTypes = CORE_TYPES,
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

const guarded = (ifMatch: string | undefined): { ifMatch?: string } => (ifMatch === undefined ? {} : { ifMatch });
