import { readTop, roomsOf } from './files.js';

describe('the Dockerfile', () => {
  // A package that was not copied before `npm ci` was not installed by it, and came into the images without its programs.
  it('copies the package.json of every workspace before it installs', () => {
    const [before = ''] = readTop('deploy/docker/Dockerfile').split(/^RUN npm ci/m);
    const workspaces = ['services', 'shared'].flatMap((folder) => roomsOf(folder).map((name) => `${folder}/${name}`));
    expect([...workspaces, 'test'].filter((name) => !before.includes(`COPY ${name}/package.json ${name}/\n`))).toEqual([]);
  });
});

describe('docker-compose.yml', () => {
  const [head = '', rest = ''] = readTop('docker-compose.yml').split(/^services:\n/m);
  const services = new Map(
    rest
      .split(/^volumes:\n/m)[0]!
      .split(/^(?= {2}[a-z]+:\n)/m)
      .map((text) => [/^ {2}([a-z]+):\n/.exec(text)?.[1], text] as const)
      .filter((entry): entry is [string, string] => entry[0] !== undefined),
  );

  // ingest, which the internet reaches, had the token that opens the admin API.
  it('gives the operator token to the worker alone', () => {
    expect(head).not.toMatch(/^ .*ROLLCALL_OPERATOR_TOKEN/m);
    expect([...services].filter(([, text]) => text.includes('ROLLCALL_OPERATOR_TOKEN')).map(([name]) => name)).toEqual(['worker']);
  });

  it('hardens every container, and bounds its memory and processes', () => {
    expect([...services.keys()]).toEqual(['valkey', 'mongodb', 'seed', 'worker', 'ingest']);
    for (const line of ['read_only: true', 'cap_drop: [ALL]', 'security_opt: ["no-new-privileges:true"]', 'pids_limit: '])
      expect(head).toContain(`\n  ${line}`);
    for (const text of services.values()) {
      expect(text).toContain('    <<: *hardened\n');
      expect(text).toMatch(/^ {4}mem_limit: \d+[gm]$/m);
    }
  });
});
