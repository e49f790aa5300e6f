// What a process costs, as Linux counts it. Elsewhere nothing is known, and the table says so.
import { readFileSync, writeFileSync } from 'node:fs';

/** The columns of the table; `baseline` is the one that a row is about. */
export const PROCESSES = ['ingest', 'worker', 'redis', 'mongod', 'baseline'] as const;
export type ProcessName = (typeof PROCESSES)[number];

export interface Usage {
  readonly cpu_s: number;
  readonly peak_MiB: number;
}

/** The kernel's clock ticks a second as programs see them: 100 on every Linux. */
const TICKS = 100;

/** CPU used up to now, and the peak of resident memory since `forgetPeak`; undefined where the system does not tell. */
export function usageOf(pid: number | undefined): Usage | undefined {
  if (pid === undefined) return undefined;
  try {
    // The name, in parentheses, may hold spaces; utime and stime are the 14th and 15th fields.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const peak_KiB = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpu_s: (Number(fields[11]) + Number(fields[12])) / TICKS, peak_MiB: Number(peak_KiB) / 1_024 };
  } catch {
    return undefined;
  }
}

/** Lets the peak begin anew, so that it is a row's own; where that is not allowed, it stays that of the process's life. */
export function forgetPeak(pid: number | undefined): void {
  try {
    if (pid !== undefined) writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Not Linux, or not ours.
  }
}
