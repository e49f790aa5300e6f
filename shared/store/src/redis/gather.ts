import type { Writable } from 'node:stream';

/**
 * Sends what is written in one turn of the event loop together, at the end of the turn, or as soon as it is much: then the server works on the first part
 * while we make the next (docs/decisions/0005).
 * It is the stream's own corking: what lies there when the connection breaks goes with the stream and is never sent by another.
 * @param onSent is told of each time that all that was written by then was sent
 */
export function gather(stream: Writable, onSent: () => void): void {
  const write: Writable['write'] = stream.write.bind(stream);
  let gathering = false;
  const sent = () => {
    stream.uncork();
    onSent();
  };
  stream.write = ((...args: Parameters<Writable['write']>) => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      setImmediate(() => {
        gathering = false;
        sent();
      });
    }
    const hasRoom = write(...args);
    if (stream.writableLength >= GATHERED_BYTES_MAX) {
      sent();
      stream.cork();
    }
    return hasRoom;
  }) as Writable['write'];
}

/** What is larger goes out by itself; small readings gather. */
const GATHERED_BYTES_MAX = 1_500;
