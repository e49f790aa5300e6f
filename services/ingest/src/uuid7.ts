/**
 * Makes UUIDs of version 7 (RFC 9562 §5.7), each greater than the last one of this maker: 48 bits of time, a counter of 12 bits that starts
 * at random within each millisecond (§6.2, method 1), 62 random bits. Time and randomness are injected.
 *
 * @param random fills what it is given with random bytes
 */
export function uuid7Maker(now_ms: () => number, random: (bytes: Buffer) => void): () => string {
  const pool = Buffer.alloc(POOL_BYTES);
  const id = Buffer.alloc(16);
  let used = POOL_BYTES;
  let last_ms = 0;
  let counter = 0;
  return () => {
    if (used >= POOL_BYTES) {
      random(pool);
      used = 0;
    }
    pool.copy(id, 6, used, used + 10);
    used += 10;
    const now = now_ms();
    if (now > last_ms) {
      last_ms = now;
      // The upper half stays free, so that a millisecond has room to count.
      counter = id.readUInt16BE(6) & 0x7ff;
    } else if (counter < 0xfff) {
      counter += 1;
    } else {
      // More than a millisecond can count, or a clock that was set back: the last time goes on.
      last_ms += 1;
      counter = 0;
    }
    id.writeUIntBE(last_ms, 0, 6);
    id.writeUInt16BE(0x7000 | counter, 6);
    id.writeUInt8(0x80 | (id.readUInt8(8) & 0x3f), 8);
    const hex = id.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
}

/** A multiple of what one id takes. */
const POOL_BYTES = 10 * 512;
