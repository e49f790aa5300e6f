import * as fc from 'fast-check';
import { compareCodePoints, foldCase, hasLookAlike, holds, isBlank, isWellFormed } from './text.js';

describe('foldCase', () => {
  it.each([
    ['ADA@Example.COM', 'ada@example.com'],
    ['A\u030angstro\u0308m', '\u00e5ngstr\u00f6m'],
    [' Ada ', ' ada '],
  ])('folds %j to %j', (text, folded) => expect(foldCase(text)).toBe(folded));
  it('is its own fixed point on composed and decomposed spellings alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!hasLookAlike(text));
        expect(foldCase(text.normalize('NFD'))).toBe(foldCase(text.normalize('NFC')));
      }),
    );
  });
  // An address with the Kelvin sign took over the account of the address with a k.
  it.each([
    ['Kelvin sign and K', '\u212aay', 'Kay'],
    ['Ohm sign and Omega', '\u2126', '\u03a9'],
    ['\u00c5ngstr\u00f6m sign and A with ring', '\u212bsa', '\u00c5sa'],
    ['long s and s', '\u017fam', 'sam'],
    ['Theta symbol and Theta', '\u03f4', '\u0398'],
    ['Greek question mark and semicolon', 'a\u037e', 'a;'],
    ['compatibility ideograph and its unified one', '\uf900', '\u8c48'],
    ['dotless i and i', '\u0131an', 'ian'],
    ['full-width and ASCII', '\uff41da', 'ada'],
  ])('keeps what only looks alike apart: %s', (_, alike, text) => {
    expect(foldCase(alike)).not.toBe(foldCase(text));
    expect(foldCase(`A\u030a${alike}Z`)).not.toBe(foldCase(`A\u030a${text}Z`));
    expect(foldCase(foldCase(alike))).toBe(foldCase(alike));
  });
  it('replaces no character alone by another one, but by its lower case', () => {
    const replaced: string[] = [];
    for (let code = 0x80; code <= 0x2ffff; code += code === 0xd7ff ? 0x801 : 1) {
      const character = String.fromCodePoint(code);
      const folded = foldCase(character);
      // The three are deprecated marks; what is decomposed and composed again is the same.
      if (/[\u0340\u0341\u0343]/.test(character) || [...folded].length > 1) continue;
      if (folded !== character && folded !== character.toLowerCase()) replaced.push(character);
      if (folded.toUpperCase().toLowerCase() === folded && folded !== character && folded.toUpperCase() !== character) {
        if (!/[\u01c5\u01c8\u01cb\u01f2]/.test(character)) replaced.push(character); // titlecase letters
      }
    }
    expect(replaced).toEqual([]);
  });
  // It took minutes: marks are put in order by their number squared.
  it('takes a body full of marks, and still folds what stands among them', () => {
    const marks = '\u0315\u0300'.repeat(250_000);
    expect(foldCase(`${marks}A\u030a`).endsWith('\u00e5')).toBe(true);
    expect(foldCase(`A\u030a${marks}`).startsWith('\u00e5')).toBe(true);
    expect(foldCase(`a${'\u0315\u0300'.repeat(15)}`)).toBe(`a${'\u0315\u0300'.repeat(15)}`.normalize('NFC'));
  });
});

describe('compareCodePoints', () => {
  it('agrees with the order of UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
  it('puts U+FF5E before U+1F600, unlike UTF-16', () => {
    expect(compareCodePoints('\uff5e', '\u{1f600}')).toBeLessThan(0);
  });
});

it('isWellFormed: a lone surrogate is not', () => {
  expect([isWellFormed('\u{1f600}'), isWellFormed('a\ud83d'), isWellFormed('\ude00')]).toEqual([true, false, false]);
});

describe('holds', () => {
  it('says what `includes` says, of long texts too', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, fc.integer({ min: 1, max: 2_000 }), (part, end, times) => {
        const long = part.repeat(times) + end;
        const wanted = part.repeat(Math.min(times, 100)) + end;
        expect(holds(long, wanted)).toBe(long.includes(wanted));
      }),
    );
  });
  // `includes` took 5 s here.
  it('takes no more than a moment where one text nearly holds the other', () => {
    const began = performance.now();
    const half = 'a'.repeat(4_000);
    expect(holds('a'.repeat(1_000_000), `${half}b${half}`)).toBe(false);
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe('isBlank', () => {
  it.each(['', ' ', '\t\r\n', '\u0085', '\u00a0\u2003\u3000', '\u2028', '\ufeff'])('%j is nothing but white space', (text) => {
    expect(isBlank(text)).toBe(true);
  });
  it.each(['a', ' a ', '\u200b', '\u0000'])('%j is more than white space', (text) => expect(isBlank(text)).toBe(false));
});
