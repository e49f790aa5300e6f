import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import { exercise } from './exercise.js';
import { carry, linkOf, withSpan } from './trace.js';
import { tracing } from './tracing.js';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('spans without an SDK', () => {
  it('run what they hold, carry nothing, and let errors through', async () => {
    expect(await withSpan('apply', {}, async () => carry())).toBeUndefined();
    await expect(
      withSpan('apply', {}, async () => {
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
  });
});

describe('linkOf (W3C Trace Context)', () => {
  it('reads a traceparent', () => {
    expect(linkOf(PARENT)?.context).toEqual({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      isRemote: true,
    });
  });
  it.each([undefined, '', 'x', PARENT.replace('00-', 'ff-'), PARENT.toUpperCase(), `00-${'0'.repeat(32)}-b7ad6b7169203331-01`])(
    'is nothing for %s',
    (text) => {
      expect(linkOf(text)).toBeUndefined();
    },
  );
});

describe('tracing', () => {
  it('makes one trace from request to write, and links a batch to its requests', async () => {
    const spans: ReadableSpan[] = [];
    const exporter: SpanExporter = {
      export: (finished, done) => {
        spans.push(...finished);
        done({ code: 0 });
      },
      shutdown: async () => {},
    };
    const service = tracing({ service: 'rollcall-test', endpoint: 'http://unused.example', exporter });
    await service.start();
    const carried = await withSpan('request', { parent: PARENT, kind: 'server' }, async () => carry());
    expect(carried).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    await withSpan('job', { parent: carried }, () => withSpan('write', { links: [PARENT, undefined] }, async () => undefined));
    await service.stop(); // flushes

    const [request, job, write] = ['request', 'job', 'write'].map((name) => spans.find((span) => span.name === name)!);
    for (const span of spans) expect(span.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(job?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect(write?.parentSpanContext?.spanId).toBe(job?.spanContext().spanId);
    expect(write?.links).toHaveLength(1);
    expect(request?.resource.attributes).toMatchObject({ 'service.name': 'rollcall-test' });
    expect(await withSpan('after', {}, async () => carry())).toBeUndefined(); // stopped
  });

  it('loads nothing without an endpoint', async () => {
    const service = tracing({ service: 'rollcall-test', endpoint: undefined });
    await service.start();
    expect(await withSpan('x', {}, async () => carry())).toBeUndefined();
    await service.stop();
  });

  it('bears starts and stops at random', async () => {
    await exercise(tracing({ service: 'rollcall-test', endpoint: 'http://127.0.0.1:9/v1/traces' }));
  });
});
