/** Text as rollcall compares it. Every comparison in the system goes through this file, so that no two places disagree. */

/** NFC, then lower case; no locale, no trimming. The one folding function. */
export function foldCase(text: string): string {
  // Nearly all names are ASCII, for which NFC is the identity.
  return ASCII.test(text) ? text.toLowerCase() : text.normalize('NFC').toLowerCase();
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

/** False where a surrogate stands alone: such text has no UTF-8 form, and MongoDB would store something else. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed(); // Node 20 has it, the es2023 typings have not
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ASCII = /^[\x00-\x7f]*$/;

/** Surrogates stand for code points above the whole BMP, so they rank above U+E000…U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
