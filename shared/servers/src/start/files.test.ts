import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { keptToken, lockDataDir } from './files.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'rollcall-files-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a kept token', () => {
  it('is made once, kept for its owner alone, and replaced by one that is given', () => {
    const file = path.join(dir, 'token');
    const made = keptToken(file, undefined, 'rc_');
    expect(made).toMatch(/^rc_[\w-]{43}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(keptToken(file, undefined, 'rc_')).toBe(made);
    expect(keptToken(file, 'y'.repeat(40), 'rc_')).toBe('y'.repeat(40));
    expect(keptToken(file, undefined, 'rc_')).toBe('y'.repeat(40));
  });

  it('is refused where the file holds anything else', () => {
    const file = path.join(dir, 'token');
    writeFileSync(file, 'oops\n');
    expect(() => keptToken(file, undefined, 'rc_')).toThrow('delete it');
  });
});

describe('the lock of a data folder', () => {
  it('is refused while its holder lives, and free once it was given back', () => {
    const unlock = lockDataDir(dir, 'here');
    expect(() => lockDataDir(dir, 'here')).toThrow(`Another rollcall (pid ${process.pid}) runs on here`);
    unlock();
    lockDataDir(dir, 'here')();
  });

  it.each([
    ['a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, born: 'once' })],
    ['a process whose id another one has now', JSON.stringify({ pid: process.pid, born: 'once' })],
    ['nobody, as it is broken', '{'],
  ])('is taken over from %s', (_, text) => {
    const file = path.join(dir, 'start.lock');
    writeFileSync(file, text);
    const unlock = lockDataDir(dir, 'here');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
    unlock();
  });
});
