import { execFileSync } from 'node:child_process';
import type { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';

jest.setTimeout(60_000);

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** The validator is an ES module, which jest can't load: a process of its own asks it. */
function judged(document: unknown): unknown {
  const script = `import { Validator } from '@seriousme/openapi-schema-validator';
    import { readFileSync } from 'node:fs';
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(readFileSync(0, 'utf8')));
    process.stdout.write(JSON.stringify({ valid, errors, version: validator.version }));`;
  const input = JSON.stringify(document);
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: __dirname, input, encoding: 'utf8' }));
}

describe('GET /openapi.json', () => {
  let cluster: Cluster;
  let client: Client;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  let document: any;
  beforeAll(async () => {
    cluster = await startCluster({ workers: 0, tenants: ['acme'] });
    client = cluster.client('acme');
    const answer = await client.request('GET', '/openapi.json');
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } });
    document = answer.body;
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it('is OpenAPI 3.1, by an independent validator, and its references lead somewhere', async () => {
    expect(judged(document)).toEqual({ valid: true, version: '3.1' });
    const lost = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].filter(
      // biome-ignore lint/suspicious/noExplicitAny: as above
      ([, path]) => path!.split('/').reduce((found: any, key) => found?.[key], document) === undefined,
    );
    expect(lost).toEqual([]);
  });

  it('describes each route with each method, and nothing that is not there', async () => {
    for (const [path, item] of Object.entries<Record<string, unknown>>(document.paths)) {
      const target = path.replace('{id}', path.startsWith('/Schemas') ? 'urn:ietf:params:scim:schemas:core:2.0:User' : 'User');
      for (const method of METHODS) {
        const { status } = await client.request(method.toUpperCase(), target, method === 'get' || method === 'delete' ? undefined : {});
        expect([path, method, status === 405]).toEqual([path, method, !(method in item)]);
      }
    }
    for (const path of ['/Users', '/Users/{id}', '/Users/.search', '/Groups/{id}', '/.search', '/Bulk', '/Me', '/Schemas/{id}'])
      expect(document.paths).toHaveProperty([path]);
  });

  it('names operations once each, a status for each answer, and says who may', () => {
    const operations = Object.values<Record<string, { operationId: string; responses: Record<string, unknown> }>>(document.paths).flatMap(
      (item) => METHODS.flatMap((method) => item[method] ?? []),
    );
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { responses } of operations)
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403', '429', '500', '503']));
    expect(document).toMatchObject({ openapi: '3.1.0', security: [{ bearer: [] }], servers: [{ url: client.baseUrl }] });
  });

  it('has the attributes of the schemas, no more and no fewer', async () => {
    const { body } = await client.request('GET', '/Schemas');
    for (const { id, name, attributes } of body.Resources) {
      const { properties } = document.components.schemas[id.includes('extension') ? 'User' : name];
      const announced = attributes.map((attribute: { name: string }) => attribute.name);
      const described = Object.keys(id.includes('extension') ? properties[id].properties : properties);
      const common = ['schemas', 'id', 'externalId', 'meta'];
      expect(described.filter((each) => !common.includes(each) && !each.startsWith('urn:')).sort()).toEqual(announced.sort());
    }
  });
});
