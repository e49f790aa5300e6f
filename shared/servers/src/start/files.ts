import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errorCode, OperatorError } from '../errors.js';
import { type Identity, identify, isAlive } from '../identity.js';
import { isToken } from './settings.js';

/** Written whole or not at all: a reader sees the old file or the new one. */
export function writeWhole(file: string, text: string): void {
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, text, { mode: 0o600 });
  renameSync(partial, file);
}

/** One of the two servers. It has a pid where it is a process of ours, `container` (an id) where it runs in a container of ours, else neither. */
interface RunningServer {
  readonly pid: number | undefined;
  readonly container: string | undefined;
}

/** `run.json`: every process and server of a start that runs. */
export interface RunFile {
  readonly ingest: { readonly url: string; readonly pid: number | undefined; readonly metricsUrl: string };
  readonly worker: { readonly url: string; readonly pid: number | undefined };
  readonly redis: RunningServer & { readonly url: string };
  readonly mongodb: RunningServer & { readonly uri: string };
}

/** What the next start must know of this one, even if this one is killed: its ports, and who may still be at the data. */
export interface Past {
  readonly redisPort?: number | undefined;
  readonly mongoPort?: number | undefined;
  readonly processes?: Readonly<Record<string, Identity>> | undefined;
}

export function readPast(dataDir: string): Past {
  try {
    return JSON.parse(readFileSync(path.join(dataDir, 'past.json'), 'utf8')) as Past;
  } catch {
    return {};
  }
}

export const writePast = (dataDir: string, past: Past): void =>
  writeWhole(path.join(dataDir, 'past.json'), `${JSON.stringify(past, null, 2)}\n`);

/**
 * Takes the data folder for this process, and answers how to give it back.
 * @throws OperatorError where another rollcall has it. One that was killed has it no longer.
 */
export function lockDataDir(dataDir: string, shown: string): () => void {
  const lock = path.join(dataDir, 'start.lock');
  const mine = JSON.stringify(identify(process.pid));
  const candidate = `${lock}.${process.pid}`;
  writeFileSync(candidate, mine, { mode: 0o600 });
  try {
    for (let tries = 0; tries < 10; tries++) {
      try {
        linkSync(candidate, lock); // fails where there is one, and is never seen half-written
        return () => {
          if (readOr(lock) === mine) rmSync(lock, { force: true });
        };
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
      }
      const theirs = readOr(lock);
      const holder = theirs === undefined ? undefined : parseIdentity(theirs);
      if (holder !== undefined && isAlive(holder)) {
        throw new OperatorError(
          `Another rollcall (pid ${holder.pid}) runs on ${shown}: stop it first, or set ROLLCALL_DATA_DIR to another folder and INGEST_PORT, OPS_PORT and INGEST_METRICS_PORT to other ports.`,
        );
      }
      // By rename, then a look: if another start was quicker, it is theirs that was moved, and they get it back.
      const moved = `${lock}.old.${process.pid}`;
      try {
        renameSync(lock, moved);
        if (readOr(moved) !== theirs && !existsSync(lock)) linkSync(moved, lock);
      } catch (error) {
        if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'EEXIST') throw error;
      }
      rmSync(moved, { force: true });
    }
    throw new Error(`${lock} could not be taken`);
  } finally {
    rmSync(candidate, { force: true });
  }
}

/** The token that `given` names, else the kept one, else a new one; kept for the next start, readable by its owner alone. */
export function keptToken(file: string, given: string | undefined, prefix: string): string {
  const kept = readOr(file)?.trim();
  if (given === undefined && kept !== undefined) {
    if (!isToken(kept))
      throw new OperatorError(`${file} holds no token (32 to 256 visible characters): delete it, and the next start makes a new one.`);
    return kept;
  }
  const token = given ?? `${prefix}${randomBytes(32).toString('base64url')}`;
  if (token !== kept) writeWhole(file, `${token}\n`);
  return token;
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseIdentity(text: string): Identity | undefined {
  try {
    const { pid, born } = JSON.parse(text) as Partial<Identity>;
    return typeof pid === 'number' && typeof born === 'string' ? { pid, born } : undefined;
  } catch {
    return undefined;
  }
}
