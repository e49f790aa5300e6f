import { displayNameOf } from './display-name.js';

describe('the display name of an account', () => {
  const [givenName, familyName] = ['Ada', 'Lovelace'];

  it.each([
    ['first and last name', { givenName, familyName }, 'Ada Lovelace'],
    ['the first name alone', { givenName }, 'Ada'],
    ['the last name alone', { familyName }, 'Lovelace'],
    ['neither', {}, 'ada@example.com'],
  ])('is made of %s', (_, name, expected) => {
    expect(displayNameOf({ userName: 'ada@example.com', name })).toBe(expected);
  });

  it('is the displayName where one was given, else the whole name as it was formatted', () => {
    const name = { givenName, familyName, formatted: 'Ada King, Countess of Lovelace' };
    expect(displayNameOf({ userName: 'ada', displayName: 'Countess', name })).toBe('Countess');
    expect(displayNameOf({ userName: 'ada', name })).toBe('Ada King, Countess of Lovelace');
  });

  it('takes no blanks for a name', () => {
    const name = { formatted: ' ', givenName: '  ', familyName: ' Lovelace ' };
    expect(displayNameOf({ userName: 'ada', displayName: '', name })).toBe('Lovelace');
    expect(displayNameOf({ userName: 'ada', name: { givenName: '' } })).toBe('ada');
  });

  it('is none of whom nothing is left', () => {
    expect(displayNameOf({})).toBeUndefined();
  });
});
