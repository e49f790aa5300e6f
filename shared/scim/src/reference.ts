/**
 * The id that a resource's URI ends with: the last segment of its path, at whatever host (RFC 7644 §3.1).
 * @returns '' where the path ends with none
 */
export function idOfReference(reference: string): string {
  // By hand: a pattern that looks for the last segment goes through a long reference once for each of its characters.
  const path = reference.split(/[?#]/, 1)[0]!.replace(/\/$/, '');
  const segment = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // not percent-encoded after all
  }
}
