/** Where a page ended, as a word that clients hand back. It says nothing of whose list it is: every query names its tenant by itself. */
export const encodeCursor = (place: readonly (string | number)[]): string => Buffer.from(JSON.stringify(place)).toString('base64url');

/** @returns undefined where the word is none of ours, or of another length */
export function decodeCursor(cursor: string, length: number): readonly (string | number)[] | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const fits = Array.isArray(place) && place.length === length;
    return fits && place.every((part) => typeof part === 'string' || Number.isFinite(part)) ? place : undefined;
  } catch {
    return undefined;
  }
}
