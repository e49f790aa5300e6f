import * as fc from 'fast-check';
import { ScimError } from './errors.js';
import { JSON_DEPTH_MAX, JSON_VALUES_MAX, type JsonValue, OBJECT_MEMBERS_MAX, parseJson } from './json.js';

function scimTypeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof ScimError) return error.scimType;
    throw error;
  }
  return undefined;
}

describe('parseJson', () => {
  it('reads what JSON.parse reads', () => {
    const harmless = fc.json().filter((text) => !/__proto__|constructor|prototype/.test(text));
    fc.assert(fc.property(harmless, (text) => expect(parseJson(text)).toEqual(JSON.parse(text) as JsonValue)));
  });
  it.each(['', '{', '{"a":1', 'nonsense', "{'a':1}", '\u0000'])('refuses %j as invalidSyntax', (text) => {
    expect(scimTypeOf(() => parseJson(text))).toBe('invalidSyntax');
  });
  it('takes the depth that is allowed, and refuses one more', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(() => parseJson(nested(JSON_DEPTH_MAX))).not.toThrow();
    expect(scimTypeOf(() => parseJson(nested(JSON_DEPTH_MAX + 1)))).toBe('invalidSyntax');
    expect(scimTypeOf(() => parseJson('{"a":'.repeat(2_000_000)))).toBe('invalidSyntax');
  });
  it('takes as many members of an object as are allowed, and refuses one more', () => {
    const object = (members: number) => `{${Array.from({ length: members }, (_, at) => `"${at}":1`).join()}}`;
    expect(() => parseJson(`[${object(OBJECT_MEMBERS_MAX)},${object(OBJECT_MEMBERS_MAX)}]`)).not.toThrow();
    expect(scimTypeOf(() => parseJson(`{"a":{"b":[],"c":${object(OBJECT_MEMBERS_MAX + 1)}}}`))).toBe('invalidSyntax');
  });
  it('takes as many values as are allowed, and refuses more with 413, unless the body is long', () => {
    const array = (length: number, value: string) => `[${Array.from({ length }, () => value).join()}]`;
    expect(() => parseJson(array(JSON_VALUES_MAX - 1, '1'))).not.toThrow();
    expect(() => parseJson(array(JSON_VALUES_MAX, '1'))).toThrow(expect.objectContaining({ status: 413 }));
    expect(() => parseJson(array(JSON_VALUES_MAX + 10, '"0123456789abcdefghijk"'))).not.toThrow();
  });
  it('does not count brackets and commas inside strings', () => {
    const text = JSON.stringify({ a: `${'[,'.repeat(JSON_VALUES_MAX)}"\\` });
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
  it('lets the last of a repeated key count', () => {
    expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 });
  });
  it.each([
    '{"__proto__":{"polluted":1},"a":[{"__proto__":{"polluted":1}}]}',
    '{"\\u005f_proto__":{"polluted":1},"a":[{}]}',
    '{"constructor":{"prototype":{"polluted":1}},"a":[{}]}',
    '{"prototype":{"polluted":1},"a":[{}]}',
  ])('drops the prototype keys of %s', (text) => {
    expect(parseJson(text)).toEqual({ a: [{}] });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
