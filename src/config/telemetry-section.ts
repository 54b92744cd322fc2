import { z } from 'zod';
import { integerKey, switchKey } from './config-keys.ts';

/** What the gateway tells of itself besides logs and audit. */
export const telemetrySection = z.strictObject({
  metrics: z
    .strictObject({
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
});
