import { execFileSync } from 'node:child_process';
import { banner, curl, scimBase } from './banner.js';

it('the curl line is one that a shell takes, whatever the token holds', () => {
  const token = `it's "$HOME" \\ !`;
  const words = execFileSync(
    '/bin/sh',
    ['-c', `curl() { for word in "$@"; do printf '%s\\n' "$word"; done; }\n${curl('http://127.0.0.1:8080', token, 'a1')}`],
    { encoding: 'utf8' },
  ).split('\n');
  expect(words.slice(0, 7)).toEqual([
    '-i',
    'http://127.0.0.1:8080/scim/v2/Users',
    '-H',
    `Authorization: Bearer ${token}`,
    '-H',
    'Content-Type: application/scim+json',
    '-d',
  ]);
  expect(JSON.parse(words[7]!)).toMatchObject({ userName: 'ada-a1@example.com', active: true });
});

it('the banner shows the public address where there is one, and curl the one that works here', () => {
  const facts = {
    dataDir: '.rollcall',
    logs: '.rollcall/logs',
    servers: 'Valkey 9',
    ingestUrl: 'http://127.0.0.1:8080',
    opsUrl: 'http://127.0.0.1:8081',
    token: 't',
    operatorToken: 'o',
    salt: 'a1',
  };
  expect(banner({ ...facts, publicUrl: 'https://scim.example.com' })).toContain('https://scim.example.com/scim/v2\n');
  expect(banner({ ...facts, publicUrl: 'https://scim.example.com' })).toContain('curl -i http://127.0.0.1:8080/scim/v2/Users');
  expect(scimBase('https://example.com/scim/v2')).toBe('https://example.com/scim/v2');
});

it('the banner says where to go on: the command with what it needs, the guide, the page of tenants, the logs', () => {
  const text = banner({
    dataDir: '.rollcall',
    logs: '.rollcall/logs',
    servers: 'Valkey 9',
    ingestUrl: 'http://127.0.0.1:8080',
    opsUrl: 'http://127.0.0.1:8081',
    publicUrl: undefined,
    token: 't',
    operatorToken: `it's`,
    salt: 'a1',
  });
  const next = text.slice(text.indexOf('\nNext:'));
  const line = next.split('\n').find((one) => one.includes('export '))!;
  const shell = execFileSync('/bin/sh', ['-c', `${line}; printf '%s %s' "$ROLLCALL_ADMIN_URL" "$ROLLCALL_OPERATOR_TOKEN"`], {
    encoding: 'utf8',
  });
  expect(shell).toBe(`http://127.0.0.1:8081 it's`);
  for (const part of ['npx rollcall --help', 'docs/administrator.md', 'http://127.0.0.1:8081/tenants', '.rollcall/logs', '--verbose'])
    expect(next).toContain(part);
});
