import { CORE_TYPES, type JsonObject, USER_URN } from '@rollcall/scim';
import { request } from '../testing.js';
import { createCommand, parseChange, parseCreate, parseDelete, parseReplace, readJson, replaceCommand, type Terms } from './body.js';

const TERMS = { types: CORE_TYPES };
const ID = '01932c07-2f4e-7cde-8a90-1234567890ab';
const post = (body: string, contentType: string | undefined, headers: Record<string, string> = {}) =>
  readJson(request('POST /scim/v2/Users', { body, headers: { 'content-type': contentType as string, ...headers } }));

describe('the body of a request', () => {
  it.each([
    'application/scim+json',
    'application/json',
    'Application/SCIM+JSON; charset=UTF-8',
    'application/json;charset="utf-8"',
    'application/json; odata=verbose; charset=utf8',
  ])('is taken as “%s”', async (contentType) => {
    expect(await post('{"a":1}', contentType)).toEqual({ a: 1 });
  });

  it.each([
    undefined,
    '',
    'text/plain',
    'application/xml',
    'application/jsonp',
    'application/json; charset=latin1',
    'text/application/json',
  ])('is 415 as “%s”', async (contentType) => {
    await expect(post('{}', contentType)).rejects.toMatchObject({ status: 415 });
  });

  it('is 415 where it is compressed', async () => {
    await expect(post('{}', 'application/json', { 'content-encoding': 'gzip' })).rejects.toMatchObject({ status: 415 });
  });

  it.each(['', '{', '{"a":}', `${'['.repeat(101)}${']'.repeat(101)}`])('is 400 invalidSyntax where it is “%.20s”', async (text) => {
    await expect(post(text, 'application/json')).rejects.toMatchObject({ status: 400, scimType: 'invalidSyntax' });
  });

  it('never says which resource is meant: the path does', async () => {
    const body = { schemas: [USER_URN], id: 'another', userName: 'ada' };
    expect((await parseReplace('User', request(`PUT /scim/v2/Users/${ID}`, { body }), ID))(TERMS)).toEqual({
      kind: 'replace',
      type: 'User',
      id: ID,
      attributes: { userName: 'ada' },
    });
    expect((await parseCreate('User', request('POST /scim/v2/Users', { body })))(TERMS)).toMatchObject({
      kind: 'create',
      attributes: { userName: 'ada' },
    });
  });

  it('may hold what no schema has, unless the tenant refuses it; never what identity providers send beside the schemas', () => {
    const refusing = { types: CORE_TYPES, rules: { recycledIdentity: 'reactivate', unknownAttributes: 'refuse' } } as const;
    const body = { schemas: [USER_URN], userName: 'ada', password: 'x', groups: [], meta: {}, id: 'x' };
    const odd = { ...body, shoeSize: 41 };
    for (const read of [
      (given: JsonObject, by: Terms) => createCommand('User', given, by),
      (given: JsonObject, by: Terms) => replaceCommand('User', ID, given, undefined, by),
    ]) {
      expect(read(odd, TERMS)).toEqual({ ...read(body, refusing), ignored: ['shoeSize'] });
      expect(() => read(odd, refusing)).toThrow(
        expect.objectContaining({ status: 400, scimType: 'invalidSyntax', detail: expect.stringContaining('shoeSize') }),
      );
    }
  });

  it('carries If-Match', async () => {
    const headers = { 'if-match': 'W/"3"' };
    expect(parseDelete('User', request(`DELETE /scim/v2/Users/${ID}`, { headers }), ID)(TERMS)).toMatchObject({ ifMatch: 'W/"3"' });
  });

  it.each(['x', '1', `${ID}0`, '../Users', ''])('is not read where the id “%s” is not of our form: 404', async (id) => {
    await expect(parseChange('User', request('PATCH /', { body: '{' }), id)).rejects.toMatchObject({ status: 404 });
  });
});
