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
