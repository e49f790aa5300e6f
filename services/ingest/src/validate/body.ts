// The body of a request, turned into a command.
import type { Command, ResourceTypeName } from '@rollcall/directory';
import {
  GROUP,
  type JsonValue,
  parseJson,
  parsePatch,
  quote,
  type ResourceTypeDefinition,
  ScimError,
  USER,
  validateResource,
} from '@rollcall/scim';
import type { ScimRequest } from '../exchange.js';
import { parseId } from './path.js';

/** POST. @throws ScimError 400, 413, 415 */
export async function parseCreate(type: ResourceTypeName, request: ScimRequest): Promise<Command> {
  const { attributes } = validateResource(definitionOf(type), await readJson(request), { purpose: 'create' });
  return { kind: 'create', type, attributes };
}

/** PUT. The id comes from the path, never from the body. @throws ScimError 400, 404, 413, 415 */
export async function parseReplace(type: ResourceTypeName, request: ScimRequest, idInPath: string): Promise<Command> {
  const id = parseId(type, idInPath);
  const { attributes } = validateResource(definitionOf(type), await readJson(request), { purpose: 'replace' });
  return { kind: 'replace', type, id, attributes, ...ifMatch(request) };
}

/** PATCH. @throws ScimError 400, 404, 413, 415 */
export async function parseChange(type: ResourceTypeName, request: ScimRequest, idInPath: string): Promise<Command> {
  const id = parseId(type, idInPath);
  return { kind: 'patch', type, id, operations: parsePatch(definitionOf(type), await readJson(request)), ...ifMatch(request) };
}

/** DELETE. @throws ScimError 404 */
export function parseDelete(type: ResourceTypeName, request: ScimRequest, idInPath: string): Command {
  return { kind: 'delete', type, id: parseId(type, idInPath), ...ifMatch(request) };
}

/** @throws ScimError 415 not JSON by its own word; 400 `invalidSyntax`; 413 */
export async function readJson(request: ScimRequest): Promise<JsonValue> {
  checkContentType(request);
  const text = await request.text();
  if (text === '') throw ScimError.of('invalidSyntax', 'body: expected JSON, got nothing');
  return parseJson(text);
}

const definitionOf = (type: ResourceTypeName): ResourceTypeDefinition => (type === 'User' ? USER : GROUP);

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

function ifMatch(request: ScimRequest): { ifMatch?: string } {
  const header = request.header('if-match');
  return header === undefined ? {} : { ifMatch: header };
}
