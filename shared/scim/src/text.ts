/** Text as rollcall compares it. Every comparison in the system goes through this file, so that no two places disagree. */

/**
 * NFC, then lower case; no locale, no trimming. The one folding function.
 * A character that only looks like another one stays itself: neither step may make the Kelvin sign (U+212A) a `k`, or two names that differ would count
 * as one.
 * @example foldCase('ADA@x') → 'ada@x'; foldCase('A\u030a') → 'å'; foldCase('\u212aay') ≠ foldCase('Kay')
 */
export function foldCase(text: string): string {
  // Nearly all names are ASCII, for which NFC is the identity.
  if (ASCII.test(text)) return text.toLowerCase();
  const safe = streamSafe(text);
  return hasLookAlike(safe) ? safe.replace(PARTS, (part) => (LOOK_ALIKE.test(part) ? lowerLookAlike(part) : lower(part))) : lower(safe);
}

const lower = (text: string): string => text.normalize('NFC').toLowerCase();

/** The lower case of a look-alike, where that is one itself (U+1FBB and U+1F71). */
function lowerLookAlike(character: string): string {
  const small = character.toLowerCase();
  return LOOK_ALIKE.test(small) ? small : character;
}

/**
 * Text with no more than 30 marks in a row (UAX #15 §13, Stream-Safe Text Format). Normalisation puts the marks of a row in order, by their number squared:
 * a body full of them would hold the process for minutes.
 */
function streamSafe(text: string): string {
  if (text.length <= MARKS_MAX) return text;
  return text.replace(MARKS, (row) => (row.length <= MARKS_MAX ? row : row.replace(AS_MANY_MARKS, '$&\u034f')));
}

/**
 * Order by code point, which is the order of UTF-8 bytes and therefore MongoDB's.
 * JavaScript's own `<` goes by UTF-16 units and puts U+1F600 before U+FF5E.
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/**
 * Whether one text holds another. `String.includes` takes their lengths' product at worst (5 s for 8,000 characters in 1 MB, `aa…b…aa` in `aaaa…`);
 * where that is much, this takes their sum (Knuth, Morris, Pratt), and says beforehand how much that is.
 */
export function holds(text: string, wanted: string, spend: (characters: number) => void = () => undefined): boolean {
  if (text.length * wanted.length < PRODUCT_MAX) return text.includes(wanted);
  spend(text.length + wanted.length);
  const back = new Int32Array(wanted.length);
  for (let at = 1, matched = 0; at < wanted.length; at++) {
    while (matched > 0 && wanted.charCodeAt(at) !== wanted.charCodeAt(matched)) matched = back[matched - 1]!;
    if (wanted.charCodeAt(at) === wanted.charCodeAt(matched)) matched += 1;
    back[at] = matched;
  }
  for (let at = 0, matched = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    while (matched > 0 && code !== wanted.charCodeAt(matched)) matched = back[matched - 1]!;
    if (code === wanted.charCodeAt(matched)) matched += 1;
    if (matched === wanted.length) return true;
  }
  return false;
}

const PRODUCT_MAX = 1_000_000;

/** Whether a text has a character that folding must not replace by the one that it looks like. */
export const hasLookAlike = (text: string): boolean => HAS_LOOK_ALIKE.test(text);

/** False where a surrogate stands alone: such text has no UTF-8 form, and MongoDB would store something else. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed(); // Node 20 has it, the es2023 typings have not
}

/** Nothing but white space: Unicode's, of which `trim` lacks U+0085, and U+FEFF, which `trim` takes for some. */
export function isBlank(text: string): boolean {
  return BLANK.test(text);
}

const BLANK = /^[\p{White_Space}\ufeff]*$/u;
const MARKS_MAX = 30;
const MARKS = /\p{M}+/gu;
const AS_MANY_MARKS = /.{30}/gsu;

/**
 * Characters that Unicode replaces by one other character: in NFC (the canonical singletons, such as the Kelvin, Ohm and Ångström signs and the CJK
 * compatibility ideographs; not the three deprecated marks among them), or in lower case alone (U+03F4).
 */
const SINGLETONS =
  '\\u0374\\u037e\\u0387\\u03f4\\u1f71\\u1f73\\u1f75\\u1f77\\u1f79\\u1f7b\\u1f7d\\u1fbb\\u1fbe\\u1fc9\\u1fcb\\u1fd3\\u1fdb\\u1fe3\\u1feb\\u1fee\\u1fef\\u1ff9\\u1ffb\\u1ffd' +
  '\\u2000\\u2001\\u2126\\u212a\\u212b\\u2329\\u232a\\uf900-\\ufa0d\\ufa10\\ufa12\\ufa15-\\ufa1e\\ufa20\\ufa22\\ufa25\\ufa26\\ufa2a-\\ufa6d\\ufa70-\\ufad9\\u{2f800}-\\u{2fa1d}';
/** The same as a class of a regular expression in whatever dialect: the characters themselves. */
export const LOOK_ALIKES: string = `[${SINGLETONS.replace(/\\u\{?([0-9a-f]+)\}?/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))}]`;
const HAS_LOOK_ALIKE = new RegExp(`[${SINGLETONS}]`, 'u');
const LOOK_ALIKE = new RegExp(`^[${SINGLETONS}]$`, 'u');
const PARTS = new RegExp(`[${SINGLETONS}]|[^${SINGLETONS}]+`, 'gu');

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ASCII = /^[\x00-\x7f]*$/;

/** Surrogates stand for code points above the whole BMP, so they rank above U+E000…U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
