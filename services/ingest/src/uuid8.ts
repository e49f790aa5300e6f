import { createHash } from 'node:crypto';

/** A UUID of version 8 (RFC 9562 §5.8) made of a digest: the same parts give the same id, at any process and at any time. */
export function uuid8(...parts: readonly (string | number)[]): string {
  const id = createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16);
  id.writeUInt8(0x80 | (id.readUInt8(6) & 0x0f), 6);
  id.writeUInt8(0x80 | (id.readUInt8(8) & 0x3f), 8);
  const hex = id.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
