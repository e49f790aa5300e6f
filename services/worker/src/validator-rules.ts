// Which rules of a collection's validator refused a document, in words without any value of it.
// https://www.mongodb.com/docs/manual/core/schema-validation/handle-invalid-documents/

/**
 * Reads the `errInfo` of MongoDB's error 121. The values of the document are in there (`consideredValue`, `reason`), so only what the rule says is
 * taken: the path of the attribute, the keyword or operator, and its parameter where that is a type, a length or a bound.
 * @param errInfo as the driver gives it; MongoDB before 5.0 gives none
 * @returns one line per rule, at most RULES_MAX
 * @example rulesOf(errInfo) → ['attributes.title: bsonType "string", got int', 'attributes: required userName']
 */
export function rulesOf(errInfo: unknown): string[] {
  const lines = new Set<string>();
  walk(memberOf(errInfo, 'details'), [], lines, 0);
  return [...lines].slice(0, RULES_MAX);
}

function walk(node: unknown, path: readonly string[], lines: Set<string>, depth: number): void {
  if (depth > DEPTH_MAX || lines.size >= RULES_MAX) return;
  if (Array.isArray(node)) {
    for (const each of node) walk(each, path, lines, depth + 1);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const operator = textOf(node, 'operatorName');
  const below: [unknown, readonly string[]][] = [
    ...LISTS.map((name): [unknown, readonly string[]] => [memberOf(node, name), path]),
    ...elementsOf(node, 'propertiesNotSatisfied').map((each): [unknown, readonly string[]] => [
      memberOf(each, 'details'),
      [...path, textOf(each, 'propertyName') ?? '?'],
    ]),
    // Of an element of an array, of patternProperties, of a clause: what is wrong stands in its details.
    [memberOf(node, 'details'), textOf(node, 'propertyName') === undefined ? path : [...path, textOf(node, 'propertyName')!]],
  ];
  const before = lines.size;
  for (const [child, at] of below) walk(child, at, lines, depth + 1);
  if (operator !== undefined && lines.size === before) lines.add(lineOf(node, operator, path));
}

function lineOf(node: object, operator: string, path: readonly string[]): string {
  const specified = memberOf(node, 'specifiedAs');
  // A query operator names its field in what it was specified as: { 'attributes.title': { $ne: … } }.
  const field = operator.startsWith('$') && path.length === 0 && isObject(specified) ? Object.keys(specified)[0] : undefined;
  const at = [...path, ...(field === undefined || field.startsWith('$') ? [] : [field])].join('.');
  const parameter = PARAMETERS.has(operator) ? JSON.stringify(memberOf(specified, operator)) : undefined;
  const missing = elementsOf(node, 'missingProperties').filter((name) => typeof name === 'string');
  const type = textOf(node, 'consideredType');
  const words = [operator, ...(parameter === undefined ? [] : [parameter]), ...(missing.length > 0 ? [missing.join(', ')] : [])].join(' ');
  return `${at === '' ? '' : `${at}: `}${words}${type === undefined ? '' : `, got ${type}`}`.slice(0, LINE_CHARACTERS_MAX);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}

function textOf(value: unknown, name: string): string | undefined {
  const member = memberOf(value, name);
  return typeof member === 'string' ? member : undefined;
}

function elementsOf(value: unknown, name: string): unknown[] {
  const member = memberOf(value, name);
  return Array.isArray(member) ? member : [];
}

/** Where a node lists what else was not satisfied, at its own path. */
const LISTS = ['schemaRulesNotSatisfied', 'clausesNotSatisfied', 'schemasNotSatisfied', 'failingDependencies'];
/** Keywords whose parameter is never a value of a person: types, lengths, bounds, patterns. */
const PARAMETERS = new Set([
  ...['bsonType', 'type', 'minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'pattern'],
  ...['minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties'],
]);
export const RULES_MAX = 10;
const DEPTH_MAX = 40;
const LINE_CHARACTERS_MAX = 200;
