import type { Server } from 'node:http';

export interface ServerBounds {
  /** Connections beyond these are closed as soon as they are made. */
  readonly connectionsMax: number;
  /** Told of closed connections, at most once a minute: how many since the last time. */
  readonly onClosed: (count: number) => void;
}

/** Bounds what clients can make a server hold. Headers are bounded by `maxHeaderSize`, and counted by `faultOfHead`. */
export function boundServer(server: Server, { connectionsMax, onClosed }: ServerBounds): void {
  server.maxHeadersCount = 0; // Node's own limit drops headers in silence
  server.maxConnections = connectionsMax;
  let closed = 0;
  let told_ms = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    closed += 1;
    if (performance.now() - told_ms < TELL_AGAIN_MS) return;
    onClosed(closed);
    told_ms = performance.now();
    closed = 0;
  });
}

const TELL_AGAIN_MS = 60_000;
