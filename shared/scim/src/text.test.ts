import * as fc from 'fast-check';
import { compareCodePoints, foldCase, holds, isBlank, isWellFormed } from './text.js';

describe('foldCase', () => {
  it.each([
    ['ADA@Example.COM', 'ada@example.com'],
    ['A\u030angstro\u0308m', '\u00e5ngstr\u00f6m'],
    [' Ada ', ' ada '],
  ])('folds %j to %j', (text, folded) => expect(foldCase(text)).toBe(folded));
  it('is its own fixed point on composed and decomposed spellings alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(foldCase(text.normalize('NFD'))).toBe(foldCase(text.normalize('NFC')));
      }),
    );
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
