import * as fc from 'fast-check';
import type { JsonObject } from '../json.js';
import { sampleFilter, sampleResource, seeded } from '../samples.js';
import { GROUP } from '../schema/group.js';
import { USER } from '../schema/user.js';
import { searchTree } from '../search-tree.js';
import { errorOf, resultOrRefusal } from '../testing.js';
import { ENTERPRISE_URN, USER_URN } from '../urns.js';
import { equalities } from './equalities.js';
import { compileFilter, matches } from './match.js';
import { FILTER_DEPTH_MAX, FILTER_LENGTH_MAX, FILTER_SUBSTRINGS_MAX, FILTER_TERMS_MAX, parseFilter } from './parse.js';
import { printFilter } from './print.js';

const canonical = (text: string) => printFilter(parseFilter(USER, text));

const ADA: JsonObject = {
  schemas: [USER_URN, ENTERPRISE_URN],
  id: '2819c223',
  externalId: 'Ext-1',
  userName: 'Ada@Example.com',
  name: { familyName: 'Lovelace', givenName: 'Ada' },
  active: true,
  profileUrl: 'https://example.com/Ada',
  emails: [
    { value: 'ada@example.com', type: 'work', primary: true },
    { value: 'ada@home.example', type: 'home' },
  ],
  [ENTERPRISE_URN]: { department: 'R&D', manager: { value: 'boss' } },
  meta: { resourceType: 'User', created: '2026-01-31T10:30:00+01:00', lastModified: '2026-02-01T00:00:00.5Z' },
};

describe('parseFilter: the grammar', () => {
  it.each([
    ['userName eq "ada"', 'userName eq "ada"'],
    ['USERNAME Eq "ada"', 'userName eq "ada"'],
    [`${USER_URN}:userName sw "A"`, 'userName sw "A"'],
    [`${ENTERPRISE_URN.toUpperCase()}:MANAGER.VALUE eq "x"`, `${ENTERPRISE_URN}:manager.value eq "x"`],
    ['title pr and userType eq "E" or not (active eq true)', 'title pr and userType eq "E" or not (active eq true)'],
    ['title pr and (userType eq "E" or active eq TRUE)', 'title pr and (userType eq "E" or active eq true)'],
    ['(((title pr)))', 'title pr'],
    ['not(title pr)', 'not (title pr)'],
    ['emails[type eq "work" and value co "@x"] or ims[type eq "xmpp"]', 'emails[type eq "work" and value co "@x"] or ims[type eq "xmpp"]'],
    ['emails[type eq "work"].value eq "a"', 'emails[type eq "work" and value eq "a"]'],
    ['emails[type eq "work" or primary eq true].value pr', 'emails[(type eq "work" or primary eq true) and value pr]'],
    ['emails co "example"', 'emails.value co "example"'],
    ['active eq "False"', 'active eq false'],
    ['title eq null', 'title eq null'],
    ['name ne null', 'name ne null'],
    ['meta.lastModified gt "2011-05-13T04:42:34+02:00"', 'meta.lastModified gt "2011-05-13T02:42:34.000Z"'],
    ['userName eq "a\\"b\\\\c\\u0041"', 'userName eq "a\\"b\\\\cA"'],
    ['schemas eq "urn:x:y"', 'schemas eq "urn:x:y"'],
    ['id eq "1" and externalId eq "2" and groups.value eq "3"', 'id eq "1" and externalId eq "2" and groups.value eq "3"'],
  ])('%s', (text, printed) => expect(canonical(text)).toBe(printed));

  it.each([
    ['', 'filter: expected an attribute, "not" or "(", got the end'],
    ['userName', 'filter: expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr), got the end'],
    ['userName is "x"', 'filter: expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr), got "is" at column 10'],
    ['userName eq', 'filter: userName: expected a string in double quotes, got the end'],
    ['userName eq ada', 'filter: userName: expected a string in double quotes, got "ada" at column 13'],
    ["userName eq 'ada'", 'filter: userName: expected a string in double quotes, got "\'ada\'" at column 13'],
    ['userName eq 42', 'filter: userName: expected a string in double quotes, got "42" at column 13'],
    ['userName eq "ada', 'filter: the string at column 13 has no end'],
    ['userName eq "\\x"', 'filter: "\\"\\\\x\\"" at column 13 is not a JSON string'],
    ['userName eq "\\ud800"', 'filter: the string at column 13 holds a lone surrogate'],
    ['userName eq "a" userName', 'filter: expected "and", "or" or the end, got "userName" at column 17'],
    ['userName eq "a")', 'filter: expected "and", "or" or the end, got ")" at column 16'],
    ['(userName eq "a"', 'filter: expected ")", got the end'],
    ['emails[type eq "work"', 'filter: expected "]", got the end'],
    ['emails[emails.type eq "work"]', 'filter: unknown attribute "emails.type" at column 8'],
    ['userName[value eq "a"]', 'filter: userName at column 1 has no sub-attributes, so it takes no brackets'],
    ['not userName pr', 'filter: unknown attribute "not" at column 1'],
    ['and', 'filter: unknown attribute "and" at column 1'],
    ['nope eq "a"', 'filter: unknown attribute "nope" at column 1'],
    ['password eq "a"', 'filter: unknown attribute "password" at column 1'],
    ['__proto__ pr', 'filter: expected an attribute, got "__proto__" at column 1'],
    ['constructor pr', 'filter: unknown attribute "constructor" at column 1'],
    ['active gt true', "filter: active is of type boolean, which gt can't compare"],
    ['active eq "perhaps"', 'filter: active: expected true or false, got the string "perhaps" at column 11'],
    ['meta.created co "2026"', "filter: meta.created is of type dateTime, which co can't compare"],
    [
      'meta.created gt "now"',
      'filter: meta.created: expected a dateTime such as "2026-01-31T09:30:00Z", got the string "now" at column 17',
    ],
    ['name eq "Ada"', 'filter: name is complex; expected one of its sub-attributes'],
    ['title gt null', 'filter: title gt null: only eq and ne compare with null'],
    ['x509Certificates.value gt "AA"', "filter: x509Certificates.value is of type binary, which gt can't compare"],
    ['a'.repeat(FILTER_LENGTH_MAX + 1), `filter: longer than ${FILTER_LENGTH_MAX} characters`],
    [
      `title co "${'a'.repeat(FILTER_SUBSTRINGS_MAX + 1)}"`,
      `filter: co and ew look for more than ${FILTER_SUBSTRINGS_MAX} characters altogether`,
    ],
    [`${'('.repeat(FILTER_DEPTH_MAX + 1)}title pr`, `filter: nested deeper than ${FILTER_DEPTH_MAX} levels`],
    [
      Array(FILTER_TERMS_MAX + 1)
        .fill('title pr')
        .join(' or '),
      `filter: more than ${FILTER_TERMS_MAX} terms`,
    ],
  ])('refuses %.60s', (text, detail) => {
    const error = errorOf(() => parseFilter(USER, text));
    expect([error.status, error.scimType, error.detail]).toEqual([400, 'invalidFilter', detail]);
  });

  it('gives an attribute that a type lacks no value, in a search across types', () => {
    const across = (text: string) => matches(parseFilter(GROUP, text, { unknownAttributes: 'absent' }), { displayName: 'g' });
    expect(across('userName eq "a" or displayName eq "G"')).toBe(true);
    expect([
      across('userName eq "a"'),
      across('userName pr'),
      across('emails[type eq "work"]'),
      across('userName ne "a"'),
      across('userName eq null'),
    ]).toEqual([false, false, false, true, true]);
    expect([
      across('emails[type eq "work"].value eq "a@x"'),
      across('emails[type eq "work" and not (value co "b")].value ne "a@x" or displayName eq "g"'),
      across('urn:ietf:params:scim:schemas:core:2.0:User:addresses[primary eq true].locality sw "L" and displayName pr'),
    ]).toEqual([false, true, false]);
    for (const text of ['a b', 'a[', 'a[b eq "1"', 'a[b is "1"]', 'a[].c eq "1"', 'a[b pr].c is "1"'])
      expect([text, errorOf(() => across(text)).scimType]).toEqual([text, 'invalidFilter']);
  });
});

describe('matches', () => {
  it.each([
    ['userName eq "ADA@EXAMPLE.COM"', true],
    ['externalId eq "ext-1"', false],
    ['externalId eq "Ext-1"', true],
    ['profileUrl co "example.com/ada"', false],
    ['name.familyName co "LOVE"', true],
    ['emails.value ew "home.example"', true],
    ['emails eq "ada@home.example"', true],
    ['emails.type ne "work"', false],
    ['emails.type ne "other"', true],
    ['emails[type eq "work" and value ew "home.example"]', false],
    ['emails[type eq "home"].value ew "home.example"', true],
    ['emails[not (primary pr)]', true],
    ['emails[type ne "work"]', true],
    ['ims[type ne "work"]', false],
    ['title ne "x"', true],
    ['title gt ""', false],
    ['title pr', false],
    ['title eq null', true],
    ['title eq ""', false],
    ['name pr', true],
    ['ims pr or addresses pr', false],
    ['active eq true', true],
    ['meta.created eq "2026-01-31T09:30:00Z"', true],
    ['meta.lastModified gt "2026-02-01T00:00:00.499Z"', true],
    ['meta.lastModified le "2026-02-01T01:00:00.499+01:00"', false],
    [`${ENTERPRISE_URN}:manager.value eq "BOSS"`, true],
    [`${ENTERPRISE_URN}:manager[value eq "boss"]`, true],
    [`${ENTERPRISE_URN}:costCenter pr`, false],
    ['userName lt "b" and not (userName lt "a")', true],
    [`schemas eq "${ENTERPRISE_URN}"`, true],
  ])('%s: %s', (text, expected) => expect(matches(parseFilter(USER, text), ADA)).toBe(expected));
});

it('equalities: what every match must satisfy', () => {
  const of = (text: string) => equalities(parseFilter(USER, text)).map(({ path, value }) => `${path}=${value}`);
  expect(of(`userName eq "A" and (id eq "1" and title co "x") and emails[type eq "work"].value eq "a"`)).toEqual([
    'userName=A',
    'id=1',
    'emails.type=work',
    'emails.value=a',
  ]);
  expect(of(`${ENTERPRISE_URN}:manager.value eq "b"`)).toEqual([`${ENTERPRISE_URN}:manager.value=b`]);
  expect([of('userName eq "a" or id eq "1"'), of('not (userName eq "a")'), of('title eq null')]).toEqual([[], [], []]);
});

describe('filters: properties', () => {
  const withoutRefs = (resource: JsonObject) => JSON.parse(JSON.stringify(resource, (key, value) => (key === '$ref' ? undefined : value)));
  const seed = fc.integer({ min: 0, max: 2 ** 31 });
  it('parse(print(f)) is f', () => {
    fc.assert(
      fc.property(seed, (each) => {
        const type = each % 2 === 0 ? USER : GROUP;
        const filter = sampleFilter(type, seeded(each));
        expect(parseFilter(type, printFilter(filter))).toEqual(filter);
      }),
      { numRuns: 2_000 },
    );
  });
  it('the search tree means the same as the resource', () => {
    fc.assert(
      fc.property(seed, (each) => {
        const random = seeded(each);
        const resource = withoutRefs(sampleResource(USER, random)); // they have another key there
        const filter = sampleFilter({ ...USER, extensions: [] }, random);
        // Folding is idempotent on this pool, so a tree is a resource like any other.
        expect(matches(filter, searchTree(USER, resource))).toBe(matches(filter, resource));
      }),
      { numRuns: 2_000 },
    );
  });
  it('of two filters, `not` and ne are exact opposites', () => {
    fc.assert(
      fc.property(seed, (each) => {
        const random = seeded(each);
        const filter = sampleFilter(USER, random);
        const resource = sampleResource(USER, random);
        expect(compileFilter({ kind: 'not', filter })(resource)).toBe(!compileFilter(filter)(resource));
      }),
    );
  });
  const word = fc.constantFrom(
    'userName',
    'emails',
    'emails.value',
    'type',
    'eq',
    'ne',
    'pr',
    'and',
    'or',
    'not',
    '(',
    ')',
    '[',
    ']',
    '"a"',
    'true',
    '.value',
    ' ',
  );
  it.each([
    ['any text', fc.string()],
    ['words of the grammar in any order', fc.array(word, { maxLength: 12 }).map((words) => words.join(' '))],
  ])('%s gives a filter or a ScimError', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const filter = resultOrRefusal(() => parseFilter(USER, text));
        if (filter !== undefined) expect(parseFilter(USER, printFilter(filter))).toEqual(filter);
      }),
      { numRuns: 2_000 },
    );
  });
});
