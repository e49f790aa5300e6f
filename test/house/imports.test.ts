import { filesBelow, isTest, readTop, roomsOf } from './files.js';

/** Which rooms a room may know. What stands nowhere here is a new room: say here what it may know. */
const MAY_KNOW: Record<string, readonly string[]> = {
  'shared/scim': [],
  'shared/config': [],
  'shared/telemetry': [],
  'shared/http': [],
  'shared/servers': [],
  'shared/directory': ['scim'],
  'shared/store': ['scim', 'directory'],
  'shared/queue': ['scim', 'directory'],
  'shared/tenancy': ['scim', 'directory', 'store'],
};
const SHARED = ['scim', 'directory', 'store', 'queue', 'tenancy', 'config', 'telemetry', 'http', 'servers'];
const rooms = ['shared', 'services'].flatMap((folder) => roomsOf(folder).map((room) => `${folder}/${room}`));

/** Packages that a file imports at its head, without their subpaths. */
const importsOf = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export)\s(?:[^;'"]*?\bfrom\s+)?['"]([^.'"][^'"]*)['"]/gm)].map(([, name]) => {
    const [first, second] = name!.split('/');
    return first!.startsWith('@') ? `${first}/${second}` : first!;
  });

describe('imports point one way', () => {
  it.each(rooms)('%s knows only what lies below it', (room) => {
    const allowed = room.startsWith('services/') ? SHARED : MAY_KNOW[room];
    expect(allowed).toBeDefined();
    const wrong = filesBelow([`${room}/src`], ['.ts']).flatMap(({ path, text }) =>
      importsOf(text)
        .filter((name) => name.startsWith('@rollcall/') && !allowed!.includes(name.slice('@rollcall/'.length)))
        .map((name) => `${path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each(rooms)('%s reaches into no other room by a path', (room) => {
    const wrong = filesBelow([`${room}/src`], ['.ts']).flatMap(({ path, text }) =>
      [...text.matchAll(/\bfrom\s+['"](\.[^'"]*)['"]/g)]
        .filter(([, target]) => {
          const depth = path.split('/').length - room.split('/').length - 2;
          return (target!.match(/\.\.\//g) ?? []).length > depth;
        })
        .map(([, target]) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each(rooms)('%s declares what it imports', (room) => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readTop(`${room}/package.json`)) as Record<
      string,
      Record<string, string>
    >;
    const { devDependencies: ofTop = {} } = JSON.parse(readTop('package.json')) as Record<string, Record<string, string>>;
    const wrong = filesBelow([`${room}/src`], ['.ts']).flatMap((file) =>
      importsOf(file.text)
        .filter((name) => !name.startsWith('node:') && !(name in dependencies))
        .filter((name) => !isTest(file) || !(name in devDependencies || name in ofTop))
        .map((name) => `${file.path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each(['shared/scim', 'shared/directory'])('%s knows no driver, no server and no node', (room) => {
    const pure = filesBelow([`${room}/src`], ['.ts']).filter((file) => !isTest(file));
    const wrong = pure.flatMap(({ path, text }) =>
      importsOf(text)
        .filter((name) => name !== 'zod' && name !== '@rollcall/scim')
        .map((name) => `${path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });
});
