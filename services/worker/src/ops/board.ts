// Bull Board at /queues: the queues as they are, without the buttons that make no sense here.
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { AppControllerRoute, BeforeHook } from '@bull-board/api/typings/app';
import { ExpressAdapter } from '@bull-board/express';
import type { Queue } from 'bullmq';
import type { Express, RequestHandler } from 'express';
import { operatorOf } from './guard.js';
import type { Operator } from './operator.js';
import { bounded } from './problem.js';

const BASE = '/queues';
const ANSWER_LIMIT_MS = 5_000;

/**
 * What may be pressed. A job is only a doorbell, so adding, editing and emptying change nothing that lasts, and a typed-in job might carry
 * a person; a queue that was obliterated would take other processes' bookkeeping along.
 */
const PRESSABLE = new Set([
  '/api/queues/:queueName/:jobId/retry',
  '/api/queues/:queueName/retry/:queueStatus',
  '/api/queues/:queueName/:jobId/promote',
  '/api/queues/:queueName/promote',
  '/api/queues/:queueName/pause',
  '/api/queues/:queueName/resume',
  '/api/queues/pause',
  '/api/queues/resume',
]);

export interface BoardDeps {
  readonly queues: readonly Queue[];
  /** Shown, but not to be changed. */
  readonly watched: readonly Queue[];
  /** How much a tenant has pending, as far as is known. */
  readonly left: (tenant: string) => number | undefined;
}

export function boardApp({ queues, watched, left }: BoardDeps): Express {
  const serverAdapter = new BoundedExpressAdapter();
  serverAdapter.setBasePath(BASE);
  createBullBoard({
    queues: [...queues.map((queue) => adapterOf(queue, left)), ...watched.map((queue) => adapterOf(queue, left, true))],
    serverAdapter,
    options: {
      handlerHooks: { before: onlyPressable },
      uiConfig: {
        boardTitle: 'rollcall',
        hideDocsLink: true,
        miscLinks: [{ text: 'Tenants that need attention', url: '/tenants' }],
      },
    },
  });
  const app: Express = serverAdapter.getRouter();
  app.disable('x-powered-by');
  return app;
}

const onlyPressable: BeforeHook = async ({ method, route }) =>
  method === 'get' || PRESSABLE.has(route)
    ? { allow: true }
    : {
        allow: false,
        status: 403,
        message: 'Jobs are only doorbells here: retry, promote, pause and resume; see /admin/v1/dead-letters for the rest.',
      };

/** An operator paused or resumed a queue; no queue named: all that can be paused. */
export interface QueuePause {
  readonly action: 'paused' | 'resumed';
  readonly queue: string | undefined;
  readonly operator: Operator;
  readonly requestId: string;
}

/** Tells of each pause and resume that Bull Board has carried out. */
export const tellPauses =
  (tell: (change: QueuePause) => void): RequestHandler =>
  (request, response, next) => {
    const found = request.method === 'PUT' ? /^\/api\/queues(?:\/([^/]+))?\/(pause|resume)\/?$/.exec(request.path) : null;
    if (found) {
      const [, queue, verb] = found;
      const change = { action: verb === 'pause' ? 'paused' : 'resumed', queue: queue && decodeURIComponent(queue) } as const;
      const operator = operatorOf(request);
      response.on('finish', () => {
        if (response.statusCode < 300) tell({ ...change, operator, requestId: String(response.getHeader('X-Request-Id')) });
      });
    }
    next();
  };

/** Shows with each job whose it is and how much that tenant has left. */
function adapterOf(queue: Queue, left: BoardDeps['left'], readOnlyMode = false): BullMQAdapter {
  const adapter = new BullMQAdapter(queue, { readOnlyMode });
  adapter.setFormatter('name', ({ name, data }: { name?: string; data?: unknown }) => {
    const tenant = tenantOf(data);
    const count = tenant === undefined ? undefined : left(tenant);
    return [tenant ?? name, count === undefined ? undefined : `${count} left`].filter((part) => part !== undefined).join(' · ');
  });
  adapter.setFormatter('data', (data: unknown) => {
    const tenant = tenantOf(data);
    return tenant === undefined ? data : { ...(data as object), left: left(tenant) ?? 'not known' };
  });
  return adapter;
}

function tenantOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('tenant' in data)) return undefined;
  return typeof data.tenant === 'string' ? data.tenant : undefined;
}

/** Bull Board would send an error's message along, and would wait for as long as Redis is away. */
class BoundedExpressAdapter extends ExpressAdapter {
  override setErrorHandler(): this {
    return super.setErrorHandler((error) => {
      throw error; // on to the one place that renders errors
    });
  }
  override setApiRoutes(routes: AppControllerRoute[]): ExpressAdapter {
    return super.setApiRoutes(
      routes.map((route) => ({
        ...route,
        handler: (request) => bounded(ANSWER_LIMIT_MS, 'the queues', Promise.resolve(route.handler(request))),
      })),
    );
  }
}
