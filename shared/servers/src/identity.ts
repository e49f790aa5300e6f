import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { errorCode } from './errors.js';

/** A process across time: an id alone may be another process's later, so the moment of its birth goes with it. */
export interface Identity {
  readonly pid: number;
  readonly born: string;
}

export const identify = (pid: number): Identity => ({ pid, born: birth(pid) ?? '' });

/** Whether this very process still runs (a zombie does not). */
export function isAlive({ pid, born }: Identity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM' && birth(pid) === born;
  }
  const now = birth(pid);
  return now !== undefined && (born === '' || now === born);
}

/** The parent of `pid` where `pid` is a shell (npm puts one between itself and a script), else `pid`. Linux; elsewhere always `pid`. */
export function throughShell(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    return /^(ba|da|z|k|a)?sh$/.test(name) ? Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) : pid;
  } catch {
    return pid;
  }
}

/** Linux: boot and start time in ticks; elsewhere what ps says. Undefined for a process that is gone. */
function birth(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      // The name stands in parentheses and may hold spaces and parentheses itself: count from the last one.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
    } catch {
      return undefined;
    }
  }
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}
