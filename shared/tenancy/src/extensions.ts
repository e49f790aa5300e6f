import { readFileSync } from 'node:fs';
import { CORE_TYPES, extendTypes, extensionsFromJson, parseJson, type ResourceTypes } from '@rollcall/scim';

/** The file of extension schemas is none; the message is for the operator, as it is. */
export class ExtensionsError extends Error {
  override readonly name = 'ExtensionsError';
  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`EXTENSIONS_FILE: ${file}: ${reason}`, options);
  }
}

/** The resource types of this deployment, with the extension schemas of its file, if it has one. @throws ExtensionsError */
export function resourceTypesFrom(file: string | undefined): ResourceTypes {
  if (file === undefined) return CORE_TYPES;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ExtensionsError(file, `it can't be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, { cause: error });
  }
  try {
    return extendTypes(CORE_TYPES, extensionsFromJson(parseJson(text)));
  } catch (error) {
    throw new ExtensionsError(file, (error as Error).message, { cause: error });
  }
}
