import { IncomingMessage, type ServerOptions, ServerResponse } from 'node:http';
import type { Express } from 'express';

/**
 * Options of a server whose requests and answers are born with the prototypes that this app gives them. Express sets them on each
 * (`app.handle`), and what V8 knew of an object is lost when its prototype changes: every look at it costs more from then on, a quarter of
 * all that ingest spends on a create (docs/decisions/0013). To set the prototype that is there already changes nothing.
 */
export function bornAs(
  app: Express,
): Pick<ServerOptions<typeof IncomingMessage, typeof ServerResponse>, 'IncomingMessage' | 'ServerResponse'> {
  class Request extends IncomingMessage {}
  class Response<Of extends IncomingMessage = IncomingMessage> extends ServerResponse<Of> {}
  // Between the two stands all that Express adds; the constructors stay Node's.
  app.request = Object.setPrototypeOf(Request.prototype, app.request);
  app.response = Object.setPrototypeOf(Response.prototype, app.response);
  return { IncomingMessage: Request, ServerResponse: Response };
}
