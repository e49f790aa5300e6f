import { resourceType, resourceTypes, schema, schemas, serviceProviderConfig } from './discovery.js';
import { isObject, type JsonObject } from './json.js';
import { ENTERPRISE } from './schema/enterprise.js';
import { GROUP } from './schema/group.js';
import { USER } from './schema/user.js';
import { ENTERPRISE_URN, GROUP_URN, USER_URN } from './urns.js';

const BASE = 'https://x/scim/v2';
/** RFC 7643 §7: every characteristic that a schema's attribute may have. */
const CHARACTERISTICS =
  'name type subAttributes multiValued description required canonicalValues caseExact mutability returned uniqueness referenceTypes'.split(
    ' ',
  );

function attributesOf(document: JsonObject): JsonObject[] {
  return (document.attributes as JsonObject[]).flatMap((each) => [each, ...((each.subAttributes ?? []) as JsonObject[])]);
}

describe('discovery (RFC 7643 §5–7)', () => {
  it('announces each schema once', () => {
    const list = schemas([USER, GROUP], BASE);
    expect(list).toMatchObject({ totalResults: 3, itemsPerPage: 3, startIndex: 1 });
    expect((list.Resources as JsonObject[]).map(({ id }) => id)).toEqual([USER_URN, ENTERPRISE_URN, GROUP_URN]);
  });
  it('gives every attribute a description and only known characteristics', () => {
    for (const document of (schemas([USER, GROUP], BASE).Resources as JsonObject[]).filter(isObject)) {
      for (const attribute of attributesOf(document)) {
        expect(CHARACTERISTICS).toEqual(expect.arrayContaining(Object.keys(attribute)));
        expect(attribute.description).not.toBe('');
      }
    }
  });
  it('announces nothing that is never stored', () => {
    expect(attributesOf(schema(USER.schema, BASE)).map(({ name }) => name)).not.toContain('password');
    expect(attributesOf(schema(ENTERPRISE, BASE)).map(({ name }) => name)).not.toContain('displayName');
  });
  it('describes a resource type', () => {
    expect(resourceType(USER, `${BASE}/`)).toMatchObject({
      id: 'User',
      endpoint: '/Users',
      schema: USER_URN,
      schemaExtensions: [{ schema: ENTERPRISE_URN, required: false }],
      meta: { resourceType: 'ResourceType', location: `${BASE}/ResourceTypes/User` },
    });
    expect(resourceTypes([USER, GROUP], BASE)).toMatchObject({ totalResults: 2 });
  });
  it('says what is supported, and that the rest is not', () => {
    expect(serviceProviderConfig({ baseUrl: BASE })).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
      filter: { supported: false, maxResults: 0 },
      changePassword: { supported: false },
      sort: { supported: false },
      etag: { supported: false },
    });
    const pagination = { cursor: true, index: true, defaultPaginationMethod: 'index' as const, maxPageSize: 200 };
    expect(serviceProviderConfig({ baseUrl: BASE, filter: { maxResults: 200 }, etag: true, sort: true, pagination })).toMatchObject({
      filter: { supported: true, maxResults: 200 },
      etag: { supported: true },
      pagination,
    });
  });
});
