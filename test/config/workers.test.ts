import { describe, expect, it } from 'vitest';
import { configOfWorker } from '../../src/commands/worker-part.ts';
import { reviveConfig } from '../../src/config/revive-config.ts';
import { configFolder, SUPERGRAPH } from './config-folder.ts';

const LIMITS = '  limits: [{ name: calls, by: [tenant] }]\n';
const REDIS = '  redis: { url: "redis://127.0.0.1" }\n';
const POSTGRES = 'state: { database: "postgres://127.0.0.1/p" }\n';
const NO_REDIS =
  '2:10: workers: more than one needs rateLimits.redis: without it each would permit the whole of every limit';
const NO_POSTGRES =
  '2:10: workers: more than one needs PostgreSQL in state.database: the embedded database serves one process';

const faultsOf = (workers: number, rest: string) =>
  configFolder().faults(`${SUPERGRAPH}workers: ${workers}\n${rest}`);

describe('several workers', () => {
  it.each([
    ['limits', `rateLimits:\n${LIMITS}`],
    ['quotas', 'rateLimits: { quotas: [{ name: month, by: [tenant] }] }'],
    ['limits on failed authentications', 'rateLimits: { failures: {} }'],
  ])('are refused with %s that each would hold alone', async (_what, rest) => {
    expect(await faultsOf(2, rest)).toEqual([NO_REDIS]);
    expect(await faultsOf(1, rest)).toEqual([]);
  });

  it('share limits through Redis', async () => {
    expect(await faultsOf(2, `rateLimits:\n${LIMITS}${REDIS}`)).toEqual([]);
  });

  it.each([
    'approvals: { enforce: true }\n',
    'admin: { enabled: true }\n',
    'audit: { sinks: [{ type: database, name: index }] }\n',
    'incidents: { mode: dryRun }\n',
    'incidents: { detectors: { tokenReplay: { mode: act } } }\n',
  ])('are refused with a control plane in the embedded database: %s', async (section) => {
    expect(await faultsOf(2, `${section}rateLimits:\n${REDIS}`)).toEqual([NO_POSTGRES]);
    expect(await faultsOf(2, `${section}${POSTGRES}rateLimits:\n${REDIS}`)).toEqual([]);
    expect(await faultsOf(1, section)).toEqual([]);
  });

  it('are refused with approvals and no Redis: plans have limits of their own', async () => {
    expect(await faultsOf(2, `approvals: { enforce: true }\n${POSTGRES}`)).toEqual([NO_REDIS]);
  });

  it('are refused with a limit on what runs at once and no Redis', async () => {
    const concurrency = 'rateLimits: { concurrency: [{ name: running, by: [ip] }] }';
    expect(await faultsOf(2, concurrency)).toEqual([NO_REDIS]);
    expect(await faultsOf(1, concurrency)).toEqual([]);
  });

  it('need a metrics port each, up to the last there is', async () => {
    const metrics = (port: number) => `telemetry: { metrics: { enabled: true, port: ${port} } }`;
    expect(await faultsOf(4, metrics(65_533))).toEqual([
      '2:10: workers: each has a metrics port of its own, counted up from telemetry.metrics.port, and these pass 65535',
    ]);
    expect(await faultsOf(4, metrics(65_532))).toEqual([]);
    expect(await faultsOf(4, metrics(0))).toEqual([]);
  });

  it.each(['0', '65', '1.5', 'many'])('are a count: %s is refused', async (workers) => {
    const [fault] = await configFolder().faults(`${SUPERGRAPH}workers: ${workers}`);
    expect(fault).toMatch(/^2:10: workers: must be/u);
  });
});

describe('the configuration of a worker', () => {
  const whole = (folder = configFolder()) =>
    folder.read(`${SUPERGRAPH}workers: 3
subgraphs: { a: { errors: passthrough } }
cost: { perSubgraph: { a: { max: 3 } } }
telemetry: { metrics: { enabled: true, port: 9000 } }
audit: { directory: ./log }`);

  /** The paths of all objects that have no prototype, and of all that are not frozen. */
  function traits(value: unknown, path = ''): readonly string[] {
    if (typeof value !== 'object' || value === null) return [];
    const bare = Object.getPrototypeOf(value) === null ? [`${path} is bare`] : [];
    const open = Object.isFrozen(value) ? [] : [`${path} is open`];
    return [
      ...bare,
      ...open,
      ...Object.entries(value).flatMap(([key, each]) => traits(each, `${path}.${key}`)),
    ];
  }

  it('comes over as it was read: deep frozen, and no name found that is none', async () => {
    const config = await whole();
    const revived = reviveConfig(JSON.stringify(config));
    expect(revived).toEqual(config);
    expect(traits(revived)).toEqual(traits(config));
    expect(traits(revived)).toContain('.subgraphs is bare');
    expect(revived.subgraphs['constructor']).toBeUndefined();
  });

  it('has a log and a metrics port of its own, and the keys of all', async () => {
    const folder = configFolder();
    const config = await whole(folder);
    const keys = { assertionKey: { kty: 'OKP' }, auditKeyPath: '/k' };
    const third = configOfWorker(config, 3, keys);
    expect(third.audit).toEqual({ ...config.audit, directory: `${folder.path}/log/worker-3`, keyFile: '/k' });
    expect(third.telemetry.metrics.port).toBe(9002);
    expect(third.assertion.key).toEqual({ kty: 'OKP' });
    const metrics = { ...config.telemetry.metrics, port: 0 };
    const free = { ...config, telemetry: { ...config.telemetry, metrics } };
    expect(configOfWorker(free, 3, keys).telemetry.metrics.port).toBe(0);
  });
});
