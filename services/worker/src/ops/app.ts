// Every route of the operations port on one page.

import { faultOfHead } from '@rollcall/http';
import type { TenantBacklog } from '@rollcall/store';
import { type Log, type Metrics, requestIdOf, VERSION } from '@rollcall/telemetry';
import { localLimit, type WindowLimit } from '@rollcall/tenancy';
import type { Queue } from 'bullmq';
import express, { type Express, type RequestHandler } from 'express';
import type { Attention } from '../attention.js';
import { deadLetterRoutes } from './admin/dead-letters.js';
import type { Once } from './admin/idempotency.js';
import { adminRouter } from './admin/mount.js';
import { openApiRoute } from './admin/openapi.js';
import type { AdminRoute } from './admin/route.js';
import { boardApp, type QueuePause, tellPauses } from './board.js';
import type { DeadLetters } from './dead-letter.js';
import { type Guard, onlyOperators, onlySameSite, onlySignedIn, securityHeaders, tryToken } from './guard.js';
import type { OperatorDirectory } from './operator.js';
import { attentionPage, signInPage } from './pages.js';
import { bounded, notFound, onlyMethods, Problem, renderProblem } from './problem.js';
import { OperatorSignIn, type Sessions } from './sign-in.js';

export interface OpsDeps {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'registry' | 'signInFailures'>;
  /** Told of each error that was answered with 5xx. */
  readonly onError?: (error: unknown, requestId: string) => void;
  /** As Bull Board shows them. */
  readonly queues: readonly Queue[];
  /** Shown too, but nothing of them can be changed there. */
  readonly watchedQueues?: readonly Queue[];
  /** Told who has paused or resumed which queue on Bull Board. */
  readonly onPause?: (change: QueuePause) => void;
  /** What is behind this process: shown, not judged. */
  health(): Promise<Readonly<Record<string, unknown>>>;
  /** Whether the first success was; what becomes of it later is for `health` to say. */
  ready(): boolean;
  readonly deadLetters: DeadLetters;
  tenants(): Promise<readonly TenantBacklog[]>;
  /** Which tenants need an administrator; it never rejects. */
  attention(): Promise<Pick<Attention, 'tenants' | 'unknown' | 'isPaused'>>;
  /** Routes of the admin API, besides those of dead letters. */
  readonly routes?: readonly AdminRoute[];
  /** Honours `Idempotency-Key`. */
  readonly once?: Once;
  /** Operators besides the first one. */
  readonly operators?: OperatorDirectory;
  /** What replicas share of the operators' sessions. */
  readonly sessions: Sessions;
  /** Without it nobody signs in. */
  readonly operatorToken?: string | undefined;
  /** Counts wrong tokens, by address; left out: this process counts, up to 60. */
  readonly limit?: Pick<WindowLimit, 'count'>;
  /** How many proxies to believe. */
  readonly trustProxy?: number;
  /** Where operators' browsers find this port, if that is not its own address. */
  readonly publicUrl?: string | undefined;
  readonly now_ms?: () => number;
}

const SIGN_IN_FAILURES_MAX = 60;
const HEALTH_LIMIT_MS = 1_000;
const ADMIN_LIMIT_MS = 10_000;
const BACKLOG_AGE_MAX_MS = 1_000;

/** `draining`: a stop has begun, so that load balancers look elsewhere and connections end with their answers. */
export function opsApp(deps: OpsDeps, draining: () => boolean): Express {
  const { log, metrics, deadLetters } = deps;
  const guard: Guard = {
    limit: deps.limit ?? localLimit({ max: SIGN_IN_FAILURES_MAX }),
    failed: () => metrics.signInFailures.inc({ reason: 'token_unknown' }),
    signIn: new OperatorSignIn(deps.operatorToken, deps.sessions, deps.now_ms, deps.operators),
    secure: (request) => request.secure || deps.publicUrl?.startsWith('https:') === true,
  };
  const backlog = rememberBacklog(deps);
  const operators = onlyOperators(guard);
  const form = express.urlencoded({ extended: false, limit: '8kb' });

  const app = express();
  app
    .disable('x-powered-by')
    .disable('etag')
    .set('trust proxy', deps.trustProxy ?? 0);
  app.use(securityHeaders, (request, response, next) => {
    response.set('X-Request-Id', requestIdOf(request.get('X-Request-Id')));
    const fault = faultOfHead(request);
    if (fault) throw new Problem(fault.status, fault.detail);
    if (draining()) response.set('Connection', 'close');
    next();
  });

  get('/healthz', (_request, response) => void response.json({ status: 'ok', version: VERSION }));
  get('/readyz', async (_request, response) => {
    const ready = deps.ready() && !draining();
    const behind = await bounded(HEALTH_LIMIT_MS, 'health', deps.health()).catch(() => ({ health: 'no answer' }));
    response.status(ready ? 200 : 503).json({ status: draining() ? 'draining' : ready ? 'ready' : 'starting', ...behind });
  });
  get('/metrics', async (_request, response) => {
    const text = await metrics.registry.metrics();
    response.set('Content-Type', metrics.registry.contentType).send(text);
  });
  get('/', (_request, response) => response.redirect(303, '/queues'));

  app
    .route('/sign-in')
    .get(
      (request, response) =>
        void response.status(guard.signIn.open ? 200 : 403).send(signInPage({ next: nextOf(request.query), open: guard.signIn.open })),
    )
    .post(onlySameSite, form, async (request, response) => {
      const { open } = guard.signIn;
      const next = nextOf(request.body);
      const operator = open ? await tryToken(guard, request, textOf(request.body, 'token').trim()) : undefined;
      if (operator) {
        log.info({ by: operator.id, role: operator.role }, 'operator signed in');
        response.set('Set-Cookie', await guard.signIn.cookie(operator, guard.secure(request))).redirect(303, next);
      } else response.status(open ? 401 : 403).send(signInPage({ next, open, message: 'That is not the operator’s token.' }));
    })
    .all(onlyMethods('GET', 'POST'));
  app
    .route('/sign-out')
    .post(onlySameSite, async (request, response) => {
      const cookie = await guard.signIn.signOut(request.headers.cookie, guard.secure(request));
      response.set('Set-Cookie', cookie).redirect(303, '/sign-in');
    })
    .all(onlyMethods('POST'));

  app.use(
    '/queues',
    operators,
    onlySameSite,
    tellPauses(deps.onPause ?? (() => undefined)),
    backlog.refresh,
    boardApp({ queues: deps.queues, watched: deps.watchedQueues ?? [], left: backlog.left }),
  );
  get('/tenants', operators, async (_request, response) => void response.send(attentionPage(await deps.attention())));

  app.use('/admin', onlySignedIn(guard), onlySameSite); // what a viewer may do is said by each route
  const routes = [...deadLetterRoutes({ deadLetters, tenants, log }), ...(deps.routes ?? [])];
  app.use('/admin/v1', adminRouter([...routes, openApiRoute(routes)], deps.once));

  app.use(notFound);
  app.use(
    renderProblem(
      deps.onError ??
        ((error, requestId) => log.error({ event: 'ops.request.failed', error, requestId }, 'a request to the operations port failed')),
    ),
  );
  return app;

  function get(path: string, ...handlers: RequestHandler[]): void {
    app
      .route(path)
      .get(...handlers)
      .all(onlyMethods('GET'));
  }
  async function tenants(): Promise<TenantBacklog[]> {
    const all = await bounded(ADMIN_LIMIT_MS, 'backlog', deps.tenants());
    return [...all].sort((one, other) => other.oldestPending_ms - one.oldestPending_ms);
  }
}

/** Bull Board asks synchronously what is left of a tenant: what was known at the last look, at most a second ago. */
function rememberBacklog({ tenants, now_ms = Date.now }: OpsDeps): {
  refresh: RequestHandler;
  left: (tenant: string) => number | undefined;
} {
  let known: ReadonlyMap<string, number> | undefined;
  let looked_ms = Number.NEGATIVE_INFINITY;
  return {
    left: (tenant) => known && (known.get(tenant) ?? 0),
    refresh: async (request, _response, next) => {
      if (request.path.startsWith('/api/queues') && now_ms() - looked_ms > BACKLOG_AGE_MAX_MS) {
        looked_ms = now_ms();
        const all = await bounded(HEALTH_LIMIT_MS, 'backlog', tenants()).catch(() => undefined); // the board is worth showing without
        known = all && new Map(all.map(({ tenant, pending }) => [tenant, pending]));
      }
      next();
    },
  };
}

function textOf(source: unknown, name: string): string {
  if (typeof source !== 'object' || source === null) return '';
  const value: unknown = Object.entries(source).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : '';
}

/** Where to go after the sign-in: a path of ours, never another site (`//elsewhere`, `/\elsewhere`). */
function nextOf(source: unknown): string {
  const next = textOf(source, 'next');
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(next) && !next.includes('\\') ? next : '/queues';
}
