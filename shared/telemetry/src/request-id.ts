import { randomUUID } from 'node:crypto';

const WELL_FORMED = /^[A-Za-z0-9._:-]{1,128}$/;

export const isRequestId = (text: unknown): text is string => typeof text === 'string' && WELL_FORMED.test(text);

/** The request's own id (`X-Request-Id`) where it is well formed, else a new one: what a client sends must not break a log line or a header. */
export const requestIdOf = (header: string | undefined, make: () => string = randomUUID): string => (isRequestId(header) ? header : make());
