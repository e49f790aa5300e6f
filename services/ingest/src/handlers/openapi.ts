import { readFileSync } from 'node:fs';
import { openapi } from '@rollcall/scim';
import * as z from 'zod';
import type { Handler } from '../exchange.js';
import type { BulkDeps } from './bulk.js';
import type { ListDeps } from './list-resources.js';
import { served, type TypesDeps } from './types.js';

/** GET /openapi.json: the document that describes all of this (OpenAPI 3.1). */
export const getOpenApi =
  ({ page, bulk, types }: Pick<ListDeps & BulkDeps, 'page' | 'bulk'> & TypesDeps): Handler =>
  async ({ baseUrl }, caller) => ({
    status: 200,
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    body: openapi(await served({ types }, caller), { baseUrl, version: VERSION, page, bulk, me: caller.user !== undefined }),
    about: { tenant: caller.tenant },
  });

const Package = z.object({ version: z.string() });
const { version: VERSION } = Package.parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));
