/** `xsd:dateTime` (RFC 7643 §2.3.5), read without the clock and without the host's time zone. */

/**
 * The instant as fixed-width UTC text (`2026-01-31T09:30:00.000Z`), so that the order of the text is the order in time.
 * Without a zone it is taken as UTC; what is finer than a millisecond is cut off. Undefined: not a dateTime, or outside the years 0000 to 9999.
 */
export function canonicalInstant(text: string): string | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const endOfDay = hour === 24 && minute === 0 && second === 0 && milliseconds === 0;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if ((hour > 23 && !endOfDay) || minute > 59 || second > 59) return undefined;
  const offset_min = zoneOffset(match[8] ?? 'Z');
  if (offset_min === undefined) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // not Date.UTC, which reads the years 0 to 99 as 1900 to 1999
  date.setUTCHours(hour, minute - offset_min, second, milliseconds);
  const canonical = date.toISOString();
  return canonical.length === CANONICAL_LENGTH ? canonical : undefined;
}

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,20}))?(Z|[+-]\d\d:\d\d)?$/i;
const CANONICAL_LENGTH = '2026-01-31T09:30:00.000Z'.length;

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function zoneOffset(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 14 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
