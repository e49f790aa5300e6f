import type { Writable } from 'node:stream';

/**
 * Sends all that is written in one turn of the event loop by one call to the system, at the end of the turn (docs/decisions/0005).
 * It is the stream's own corking: what lies there when the connection breaks goes with the stream and is never sent by another.
 */
export function gather(stream: Writable): void {
  const write: Writable['write'] = stream.write.bind(stream);
  let gathering = false;
  const send = () => {
    gathering = false;
    stream.uncork();
  };
  stream.write = ((...args: Parameters<Writable['write']>) => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      setImmediate(send);
    }
    return write(...args);
  }) as Writable['write'];
}
