import { type AuthenticationScheme, BEARER_TOKEN_SCHEME, serviceProviderConfig } from '@rollcall/scim';
import type { BulkDeps } from './bulk.js';
import { document } from './discovery.js';
import type { ListDeps } from './list-resources.js';

/** GET /ServiceProviderConfig (RFC 7643 §5): what is supported, and nothing that is not. */
export const getServiceProviderConfig = ({ page, cursors, bulk }: Pick<ListDeps & BulkDeps, 'page' | 'cursors' | 'bulk'>) =>
  document(({ baseUrl }) =>
    serviceProviderConfig({
      baseUrl,
      patch: true,
      bulk: { maxOperations: bulk.operationsMax, maxPayloadSize: bulk.payloadBytesMax },
      filter: { maxResults: page.max },
      sort: true,
      etag: true,
      authenticationSchemes: [BEARER_TOKEN_SCHEME, CLIENT_CREDENTIALS_SCHEME],
      pagination: {
        cursor: true,
        index: true,
        defaultPaginationMethod: 'index',
        defaultPageSize: page.count,
        maxPageSize: page.max,
        cursorTimeout: cursors.ttl_s,
      },
    }),
  );

/** Where the token endpoint is, is no member that RFC 7643 knows: the description says it. */
const CLIENT_CREDENTIALS_SCHEME: AuthenticationScheme = {
  type: 'oauth2',
  name: 'OAuth 2.0 Client Credentials',
  description: 'A short-lived access token from POST /oauth2/token on this origin (RFC 6749 section 4.4), sent as a bearer token',
  specUri: 'https://www.rfc-editor.org/info/rfc6749',
};
