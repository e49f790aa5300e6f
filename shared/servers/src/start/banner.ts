export interface BannerFacts {
  readonly dataDir: string;
  /** Where the log files are. */
  readonly logs: string;
  readonly servers: string;
  readonly ingestUrl: string;
  readonly opsUrl: string;
  readonly publicUrl: string | undefined;
  readonly token: string;
  readonly operatorToken: string;
  /** Makes the curl line's user a new one at each start, so that it answers 201 each time. */
  readonly salt: string;
}

/** What a first user needs, on one screen. */
export function banner({ dataDir, logs, servers, ingestUrl, opsUrl, publicUrl, token, operatorToken, salt }: BannerFacts): string {
  return `
rollcall  ${servers}, data in ${dataDir}

  SCIM base URL   ${scimBase(publicUrl ?? ingestUrl)}
  token           ${token}
  operator        ${opsUrl}/queues
  operator token  ${operatorToken}

Create a first user:

${curl(ingestUrl, token, salt)}

Next:
  npx rollcall --help      commands for tenants, tokens and accounts, with
                           export ROLLCALL_ADMIN_URL=${opsUrl} ROLLCALL_OPERATOR_TOKEN=${quoted(operatorToken)}
  docs/administrator.md    connect Okta or Entra ID
  ${opsUrl}/tenants  each tenant's backlog and dead letters
  ${logs}  logs of all processes; --verbose shows those of the services here

`;
}

/** The whole SCIM address of a host; one that already ends in it stays as it is. */
export const scimBase = (url: string): string => (url.endsWith('/scim/v2') ? url : `${url}/scim/v2`);

export function curl(ingestUrl: string, token: string, salt: string): string {
  const user = {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `ada-${salt}@example.com`,
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ value: `ada-${salt}@example.com`, primary: true }],
    active: true,
  };
  return [
    `curl -i ${scimBase(ingestUrl)}/Users`,
    `-H ${quoted(`Authorization: Bearer ${token}`)}`,
    `-H 'Content-Type: application/scim+json'`,
    `-d ${quoted(JSON.stringify(user))}`,
  ].join(' ');
}

/** For a POSIX shell: a chosen token may hold any visible character. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
