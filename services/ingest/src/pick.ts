import { quote } from '@rollcall/scim';
import type { ScimRequest } from './exchange.js';
import { MethodNotAllowed, NoEndpoint } from './respond/errors.js';

/** What a route declares for a request's method. @throws NoEndpoint (404) where there is no route, MethodNotAllowed */
export function pick<Made>(methods: Readonly<Partial<Record<string, Made>>> | undefined, request: ScimRequest): Made {
  if (!methods) throw new NoEndpoint(request);
  const { method, path } = request;
  // HEAD is GET without the body (RFC 9110 §9.3.2), which the server leaves out by itself.
  const wanted = method === 'HEAD' ? 'GET' : method;
  const made = Object.hasOwn(methods, wanted) ? methods[wanted] : undefined;
  if (!made) throw new MethodNotAllowed(method, quote(path), Object.keys(methods).flatMap(takenWith));
  return made;
}

const takenWith = (method: string): readonly string[] => (method === 'GET' ? ['GET', 'HEAD'] : [method]);
