/** Entity tags (RFC 7644 §3.14, RFC 9110 §8.8.3): always weak, made of the version. */

export function etag(version: number): string {
  return `W/"${version}"`;
}

/** The versions named by an `If-Match` or `If-None-Match` header, as text; tags that we never gave out are kept, and match nothing. */
export function parseEtags(header: string): '*' | string[] {
  if (header.trim() === '*') return '*';
  // Some clients send the tag without its quotes.
  return [...header.matchAll(/(?:W\/)?"([^"]*)"|([^\s,"]+)/gi)].map((match) => match[1] ?? (match[2] ?? '').replace(/^W\//i, ''));
}

/** Weak comparison: `W/"3"` and `"3"` are the same; `*` matches whatever exists. */
export function etagMatches(header: string, version: number): boolean {
  const tags = parseEtags(header);
  return tags === '*' || tags.includes(String(version));
}
