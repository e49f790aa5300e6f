import { filesBelow, isTest, linesWith } from './files.js';

const sources = filesBelow(['shared', 'services'], ['.ts']).filter((file) => file.path.includes('/src/'));
const program = sources.filter((file) => !isTest(file));

describe('pure rooms', () => {
  it.each(['shared/scim', 'shared/directory'])('%s has no clock, no chance and no ids of its own', (room) => {
    const pattern = /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bperformance\.now\(|\brandomUUID\b|\brandomBytes\b|\bprocess\./;
    expect(program.filter(({ path }) => path.startsWith(room)).flatMap((file) => linesWith(file, pattern))).toEqual([]);
  });
});

describe('settings', () => {
  it('are read from the environment only where a program starts', () => {
    const starts = /\/(main|run|seed)\.ts$|^shared\/servers\/src\/start|^shared\/telemetry\/src\/fault\.ts$/;
    expect(program.filter(({ path }) => !starts.test(path)).flatMap((file) => linesWith(file, /\bprocess\.env\b/))).toEqual([]);
  });
});

describe('the entry of a service', () => {
  // An old Node had answered with a SyntaxError of some import, as all imports are read before the first line is run.
  it.each(['ingest', 'worker'])('looks at the version of Node before %s imports anything', (service) => {
    const [entry] = program.filter(({ path }) => path === `services/${service}/src/main.ts`);
    expect(linesWith(entry!, /^\s*import\b|^export .* from\b/)).toEqual([]);
    expect(entry!.text).toMatch(/process\.versions\.node[\s\S]*await import\(/);
  });
});

describe('keys of Redis', () => {
  it('are spelled in keys.ts alone', () => {
    const pattern = /\{p\d\d\}|\{p\*\}|\{auth\}|['"`}]:(head|pending|dead|history|index|settings|lease|loading|line|r)\b/;
    const others = program.filter(({ path }) => path !== 'shared/store/src/redis/keys.ts');
    expect(others.flatMap((file) => linesWith(file, pattern))).toEqual([]);
  });

  it('come to a script by KEYS, or by a prefix that is given', () => {
    const scripts = filesBelow(['shared'], ['.lua']);
    expect(scripts.flatMap((file) => linesWith(file, /redis\.call\('[A-Z]+', *'/))).toEqual([]);
  });
});

describe('types', () => {
  it('are never given up', () => {
    const all = [...sources, ...filesBelow(['test'], ['.ts'])].filter(({ path }) => !path.startsWith('test/house/'));
    expect(all.flatMap((file) => linesWith(file, /\bas any\b|@ts-ignore|@ts-nocheck/))).toEqual([]);
  });
});
