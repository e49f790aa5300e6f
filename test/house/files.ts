import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** One source file of the repository, by its path from the top. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const top = path.resolve(__dirname, '../..');
const SKIPPED = new Set(['node_modules', 'dist', '.turbo']);

/** All files below these folders whose names end so. */
export function filesBelow(folders: readonly string[], ends: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => walk(folder)).filter((file) => ends.some((end) => file.path.endsWith(end)));
}

export const readTop = (file: string): string => readFileSync(path.join(top, file), 'utf8');

/** The folders right below this one. */
export const roomsOf = (folder: string): string[] =>
  readdirSync(path.join(top, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !SKIPPED.has(entry.name))
    .map(({ name }) => name);

function walk(folder: string): SourceFile[] {
  return readdirSync(path.join(top, folder), { withFileTypes: true }).flatMap((entry) => {
    const below = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : walk(below);
    if (!/\.(ts|mjs|lua|json)$/.test(entry.name)) return [];
    return [{ path: below, text: readTop(below) }];
  });
}

/** Line numbers at which something stands that must not. */
export const linesWith = ({ path: file, text }: SourceFile, pattern: RegExp): string[] =>
  text.split('\n').flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : []));

export const isTest = ({ path: file }: SourceFile): boolean =>
  /\.test(-d)?\.ts$/.test(file) || /\/(testing|exercise|samples)\.ts$/.test(file);
