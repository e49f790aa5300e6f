import { loggedNames } from './left-out.js';

describe('names that were left out, in the log', () => {
  it.each<[readonly string[] | undefined, readonly string[] | undefined]>([
    [undefined, undefined],
    [[], undefined],
    [['shoeSize', 'shoeSize'], ['shoeSize']],
    [
      ['urn:example:2.0:User:shoe.size', '$where'],
      ['urn:example:2.0:User:shoe.size', '$where'],
    ],
    [
      ['things[value eq "ada@example.com"].x', 'things[a]'],
      ['things[…].x', 'things[…]'],
    ],
    [['ada@example.com', 'Ada Lovelace', ' ', 'x\n'], ['(not a name)']],
  ])('%j are shown as %j', (names, shown) => expect(loggedNames(names)).toEqual(shown));

  it('are twenty at most', () => {
    expect(loggedNames(Array.from({ length: 50 }, (_, at) => `name${at}`))).toHaveLength(20);
  });
});
