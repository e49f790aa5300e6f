// Spans, by OpenTelemetry's api alone: without an SDK all of this does nothing and costs next to nothing.
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** Asked for each time: a tracer that was taken before an SDK starts would stay silent after a restart of it. */
export const tracer = (): Tracer => trace.getTracer('rollcall');

export interface SpanOptions {
  /** Never personal data, as in a log. */
  readonly attributes?: Attributes;
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** The traceparent that this continues, as `carry` gave it; the active span if left out. */
  readonly parent?: string | undefined;
  /** The traceparents of what a batch does together. */
  readonly links?: readonly (string | undefined)[];
}

/** Runs `fn` inside a span, which ends with it; an error marks the span with its name (its message may hold data) and goes on. */
export function withSpan<T>(name: string, options: SpanOptions, fn: (span: Span) => Promise<T>): Promise<T> {
  const links = (options.links ?? []).map(linkOf).filter((link) => link !== undefined);
  const settings = { attributes: options.attributes ?? {}, kind: KINDS[options.kind ?? 'internal'], links };
  return tracer().startActiveSpan(name, settings, contextOf(options.parent), async (span) => {
    try {
      return await fn(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'thrown' });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The traceparent of the active span (W3C Trace Context), to lay beside what is handed on; nothing where nothing is traced. */
export function carry(): string | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined || !isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}

/** A link to the span that was carried; nothing where there is none, or none that is well formed. */
export function linkOf(traceparent: string | undefined): Link | undefined {
  const carried = spanContextOf(traceparent);
  return carried && { context: carried };
}

function contextOf(parent: string | undefined): Context {
  const carried = spanContextOf(parent);
  return carried ? trace.setSpanContext(ROOT_CONTEXT, carried) : context.active();
}

function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const carried = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(carried) ? carried : undefined;
}

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;
