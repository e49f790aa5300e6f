/**
 * The known word that was most likely meant; undefined where none is near.
 * @example nearest('tennant', ['tenant', 'token']) → 'tenant'
 */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const word = typed.slice(0, WORD_LENGTH_MAX).toLowerCase();
  const best = [...new Set(known)]
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance)[0];
  return best && best.distance <= (best.candidate.length > 3 ? 2 : 1) ? best.candidate : undefined;
}

/** Levenshtein distance: how many letters to add, remove or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, wanted] of [...to].entries()) next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === wanted ? 0 : 1)));
    row = next;
  }
  return row.at(-1)!;
}

const WORD_LENGTH_MAX = 64;
