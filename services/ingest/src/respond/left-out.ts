/**
 * Names that were left out of a request, as a log may show them. What stands in brackets, and what is no name, may be a person.
 * @example loggedNames(['shoeSize', 'things[value eq "ada@example.com"].x']) is ['shoeSize', 'things[…].x']
 */
export function loggedNames(names: readonly string[] | undefined): readonly string[] | undefined {
  if (names === undefined || names.length === 0) return undefined;
  const shown = new Set(names.map((name) => name.replace(/\[.*\]/s, '[…]')).map((name) => (NAME.test(name) ? name : OTHER)));
  return [...shown].slice(0, NAMES_MAX);
}

const NAME = /^[A-Za-z_$][\w.:$-]{0,127}(?:\[…\](?:\.[\w$-]+)?)?$/;
const OTHER = '(not a name)';
const NAMES_MAX = 20;
