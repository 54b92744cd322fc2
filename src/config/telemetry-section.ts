import { z } from 'zod';
import { integerKey, secureUrlKey, sentHeadersKey, switchKey } from './config-keys.ts';

const otlp = z.strictObject({
  url: secureUrlKey('Base of an OTLP receiver over HTTP, such as http://127.0.0.1:4318.').exactOptional(),
  headers: sentHeadersKey('Sent along with each call, such as a token of the receiver.').default({}),
  timeoutMs: integerKey({
    min: 100,
    max: 60_000,
    default: 10_000,
    about: 'Time that the receiver has to answer, in milliseconds.',
  }),
});

const traces = z.strictObject({
  enabled: switchKey(
    false,
    'Sends traces to the OTLP receiver: a span per request, stage and call to a subgraph.',
  ),
  samplePercent: integerKey({
    min: 0,
    max: 100,
    default: 10,
    about: 'Share of requests that are traced, in percent.',
  }),
  sampler: z
    .enum(['ratio', 'parent'])
    .default('ratio')
    .describe(
      'Who decides which requests are traced: ratio the gateway alone, parent the traceparent header where there is one. Clients send that header: trust it only behind a proxy that writes it. With parent its tracestate is passed on to subgraphs.',
    ),
  queueSpansMax: integerKey({
    min: 256,
    max: 1_000_000,
    default: 4096,
    about: 'Spans that may wait for the receiver. What no longer fits is left out and counted.',
  }),
});

/** What the gateway tells of itself besides logs and audit. */
export const telemetrySection = z
  .strictObject({
    otlp: otlp.prefault({}).describe('Where traces and metrics of OpenTelemetry go.'),
    traces: traces.prefault({}).describe('Traces of OpenTelemetry.'),
    serverTiming: switchKey(
      false,
      'Tells clients the time of each stage in a Server-Timing header. For development: times can tell what is behind an answer.',
    ),
    metrics: z
      .strictObject({
        otlp: z
          .strictObject({
            enabled: switchKey(false, 'Sends metrics to the OTLP receiver, with or without the page.'),
            intervalMs: integerKey({
              min: 1000,
              max: 3_600_000,
              default: 60_000,
              about: 'Time between two exports, in milliseconds.',
            }),
          })
          .prefault({})
          .describe('Metrics by OTLP.'),
        enabled: switchKey(false, 'Serves metrics to Prometheus, on a port of its own.'),
        host: z
          .string()
          .min(1)
          .max(255)
          .default('127.0.0.1')
          .describe('Address to listen on. Metrics have no access control of their own.'),
        port: integerKey({ min: 0, max: 65_535, default: 9464, about: 'TCP port; 0 takes any free one.' }),
        path: z
          .string()
          .regex(/^\/[A-Za-z0-9._~/-]{0,255}$/u, 'must be a path such as /metrics')
          .default('/metrics')
          .describe('Path of the page.'),
      })
      .prefault({})
      .describe('Counts and times for Prometheus.'),
  })
  .check((context) => {
    const { otlp: target, traces: spans, metrics } = context.value;
    if (target.url !== undefined || !(spans.enabled || metrics.otlp.enabled)) return;
    const message = 'is required where traces or metrics are sent';
    context.issues.push({ code: 'custom', message, input: context.value, path: ['otlp', 'url'] });
  });
