// The SDK behind the spans, loaded only where there is somewhere to send them.
import { context, propagation, trace } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import { type Log, silentLog } from './log.js';
import { oneAtATime, type Service } from './service.js';

export interface TracingOptions {
  /** `rollcall-ingest`, `rollcall-worker`: the `service.name` that the collector sees. */
  readonly service: string;
  /** The OTLP/HTTP address for traces; where there is none, nothing is loaded and nothing is traced. */
  readonly endpoint: string | undefined;
  readonly log?: Log;
  /** In place of OTLP over HTTP, for tests. */
  readonly exporter?: SpanExporter;
}

/** Sends spans to a collector. One that is away costs spans, never a request. */
export function tracing({ service, endpoint, log = silentLog(), exporter }: TracingOptions): Service {
  let provider: { shutdown(): Promise<void> } | undefined;
  const inTurn = oneAtATime();

  return {
    name: 'tracing',
    start: () =>
      inTurn(async () => {
        if (endpoint === undefined || provider !== undefined) return;
        const [{ NodeTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
          import('@opentelemetry/sdk-trace-node'),
          import('@opentelemetry/exporter-trace-otlp-http'),
          import('@opentelemetry/resources'),
        ]);
        const made = new NodeTracerProvider({
          resource: resourceFromAttributes({ 'service.name': service }),
          spanProcessors: [new BatchSpanProcessor(exporter ?? new OTLPTraceExporter({ url: endpoint, timeoutMillis: EXPORT_TIMEOUT_MS }))],
        });
        made.register(); // with W3C's propagators and the context manager over AsyncLocalStorage
        provider = made;
        log.info('tracing');
      }),
    stop: () =>
      inTurn(async () => {
        const running = provider;
        provider = undefined;
        if (running === undefined) return;
        trace.disable();
        context.disable();
        propagation.disable();
        await running.shutdown().catch((error: unknown) => log.warn({ error }, 'the last spans were not delivered'));
      }),
  };
}

const EXPORT_TIMEOUT_MS = 3_000;
