// Cells of a CSV export (RFC 4180), safe to open in a spreadsheet.

/**
 * Writes one cell, always in quotes. A spreadsheet may take another character than the comma for the separator, and may then see a new cell behind
 * every `;`, tab, `|`, quote or line break of a text. So an apostrophe, which spreadsheets read as "this is text", is put before each character that
 * would begin a formula: at the start of the text and behind each of these separators, also where only blanks or marks stand between.
 * @example csvCell('x;=1+1') → `"x;'=1+1"`
 */
export function csvCell(value: string | number | boolean | undefined): string {
  if (value === undefined) return '""';
  if (typeof value !== 'string') return `"${value}"`;
  const safe = value.replaceAll(FORMULA, (_, before: string, first: string) => `${before}'${first}`);
  return `"${(BLANK.test(safe) ? `'${safe}` : safe).replaceAll('"', '""')}"`;
}

/** `=`, `+`, `-`, `@` and their full-width forms, where a cell may begin. */
const FORMULA = /((?:^|[;,|\t\r\n"'])[\s\p{Cf}]*)([=+\-@\uff1d\uff0b\uff0d\uff20])/gu;
/** Some spreadsheets drop a tab or line break at the start of a cell, and read what follows. */
const BLANK = /^[\t\r\n]/;
