import { readFile } from 'node:fs/promises';
import type { Json } from './api.js';
import { CliError, EXIT } from './command.js';

/** The JSON in a file that was named. @param as the command that prints such JSON. @throws CliError */
export async function jsonFile(file: string, as: string): Promise<Json> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Json;
  } catch (error) {
    throw new CliError(`${file}: expected JSON, as rollcall ${as} --json prints it`, EXIT.usage, { cause: error });
  }
}
