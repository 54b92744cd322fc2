import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SUBGRAPH_NAMES } from '../graph/subgraph-schemas.ts';
import { CALLER_AUDIENCE, CALLER_ISSUER, type Caller } from '../load/caller.ts';
import { type Child, forkChild, freePort, spawnChild } from './child.ts';

/** What the gateways are started with. */
export interface Stage {
  readonly directory: string;
  /** Supergraph without authorization rules, which everybody can load. */
  readonly plainSupergraph: string;
  readonly ruledSupergraph: string;
  readonly caller: Caller;
  /** Where a plain proxy finds its answers. */
  readonly plainOrigin: string;
}

/** A gateway under test, running. */
export interface RunningContender {
  readonly child: Child;
  readonly url: string;
  /** Request headers beyond those that everybody gets. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A gateway under test. */
export interface Contender {
  readonly name: string;
  readonly about: string;
  /** Why it cannot take part here, or null. */
  missing(): string | null;
  start(stage: Stage): Promise<RunningContender>;
}

/** The gateway that all ratios are told against. */
export const REFERENCE = 'portcullis-on';
/** The one whose limits are counted in Redis, from leased slices. */
/** The reference where subgraphs are known to answer in order. */
export const PIPELINED = 'portcullis-pipelined';
export const LEASED = 'portcullis-redis-leased';

const NGINX = '/usr/sbin/nginx';
const HIVE = join(import.meta.dirname, '../peers/node_modules/@graphql-hive/gateway/dist/bin.js');
const FILE = (name: string): string => join(import.meta.dirname, name);
/** As the product's commands set it: most objects of a request then die young. */
const PORTCULLIS_NODE_ARGS = ['--max-semi-space-size=64'];

interface Variant {
  readonly name: string;
  readonly about: string;
  readonly secured: boolean;
  /** Further sections of the configuration. */
  readonly sections?: Readonly<Record<string, unknown>>;
  /** What is run; the product as it is unless given. */
  readonly program?: string;
}

function portcullis(variant: Variant): Contender {
  const { name, about, secured, program = 'portcullis-gateway.ts' } = variant;
  return {
    ...{ name, about },
    missing: () => null,
    start: async (stage) => {
      const configFile = join(stage.directory, `${name}.json`);
      writeFileSync(configFile, JSON.stringify(portcullisConfig(stage, variant)));
      const { child, ready } = await forkChild<{ url: string }>({
        file: FILE(program),
        args: [configFile],
        nodeArgs: PORTCULLIS_NODE_ARGS,
        logFile: join(stage.directory, `${name}.log`),
      });
      const headers: Record<string, string> = secured
        ? { authorization: `Bearer ${stage.caller.token}` }
        : {};
      return { child, url: ready.url, headers };
    },
  };
}

function portcullisConfig(stage: Stage, { name, secured, sections }: Variant) {
  return {
    listen: { port: 0 },
    supergraph: { file: secured ? stage.ruledSupergraph : stage.plainSupergraph, watch: false },
    ...(secured
      ? {
          identity: {
            anonymous: false,
            jwt: [
              {
                issuer: CALLER_ISSUER,
                jwks: stage.caller.jwksFile,
                audiences: [CALLER_AUDIENCE],
                algorithms: ['ES256'],
              },
            ],
          },
        }
      : {}),
    audit: { directory: join(stage.directory, `${name}-audit`) },
    log: { level: 'warn' },
    ...sections,
  };
}

const PLENTY = { points: 1_000_000_000, perSeconds: 1 };

/** Everything that is metered: the cost of each operation, two limits on it, and failures by address. */
const metered = (redis?: Readonly<Record<string, unknown>>) => ({
  cost: { mode: 'measure' },
  rateLimits: {
    limits: [
      { name: 'callers', by: ['tenant', 'subject'], ...PLENTY },
      { name: 'tenants', by: ['tenant'], ...PLENTY },
    ],
    failures: { count: 100, perSeconds: 60 },
    ...(redis === undefined ? {} : { redis }),
  },
});

/** What is metered counted in a Redis of its own, whose CPU time is not the gateway's. */
function portcullisOnRedis(name: string, mode: 'leased' | 'strict'): Contender {
  const about = `${REFERENCE} with cost, rate limits and failures metered in Redis, ${mode}`;
  return {
    ...{ name, about },
    missing: () =>
      spawnSync('redis-server', ['--version']).status === 0 ? null : 'redis-server is not installed',
    start: async (stage) => {
      const port = await freePort();
      const url = `redis://127.0.0.1:${port}`;
      const redis = await spawnChild({
        command: 'redis-server',
        args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', stage.directory],
        readyUrl: url,
        logFile: join(stage.directory, `${name}-redis.log`),
      });
      // Long enough that a busy machine is not taken for a lost Redis: then nothing would be asked any more.
      const sections = metered({ url, mode, deadlineMs: 5000 });
      const gateway = await portcullis({ name, about, secured: true, sections }).start(stage);
      const stop = async () => {
        await gateway.child.stop();
        await redis.stop();
      };
      return { ...gateway, child: { ...gateway.child, stop } };
    },
  };
}

const apollo: Contender = {
  name: 'apollo',
  about: 'stock @apollo/server with @apollo/gateway',
  missing: () => null,
  start: async (stage) => {
    const { child, ready } = await forkChild<{ url: string }>({
      file: FILE('apollo-gateway.ts'),
      args: [stage.plainSupergraph],
      logFile: join(stage.directory, 'apollo.log'),
    });
    return { child, url: ready.url, headers: {} };
  },
};

function hive(name: string, flags: readonly string[]): Contender {
  return {
    name,
    about: `@graphql-hive/gateway${flags.length === 0 ? ', defaults' : ` ${flags.join(' ')}`}`,
    missing: () => (existsSync(HIVE) ? null : 'run `npm ci` in test/bench/peers'),
    start: async (stage) => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}/graphql`;
      const child = await spawnChild({
        command: process.execPath,
        args: [
          HIVE,
          'supergraph',
          stage.plainSupergraph,
          '--host',
          '127.0.0.1',
          '--port',
          String(port),
          ...flags,
        ],
        readyUrl: `http://127.0.0.1:${port}/healthcheck`,
        logFile: join(stage.directory, `${name}.log`),
      });
      return { child, url, headers: {} };
    },
  };
}

function nginxConfig(stage: Stage, port: number): string {
  return `daemon off;
master_process off;
worker_processes 1;
pid ${stage.directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${stage.directory}/nginx-body;
  proxy_temp_path ${stage.directory}/nginx-proxy;
  fastcgi_temp_path ${stage.directory}/nginx-fastcgi;
  uwsgi_temp_path ${stage.directory}/nginx-uwsgi;
  scgi_temp_path ${stage.directory}/nginx-scgi;
  keepalive_requests 1000000000;
  upstream plain { server ${new URL(stage.plainOrigin).host}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://plain;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffers 16 64k;
      proxy_buffer_size 64k;
      client_body_buffer_size 64k;
    }
  }
}
`;
}

const nginx: Contender = {
  name: 'nginx',
  about: 'plain reverse proxy of an answer of the same bytes; no GraphQL at all',
  missing: () => (existsSync(NGINX) ? null : 'nginx is not installed'),
  start: async (stage) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const configFile = join(stage.directory, 'nginx.conf');
    writeFileSync(configFile, nginxConfig(stage, port));
    const child = await spawnChild({
      command: NGINX,
      args: ['-c', configFile, '-p', stage.directory],
      readyUrl: url,
      logFile: join(stage.directory, 'nginx.log'),
    });
    return { child, url, headers: {} };
  },
};

/** Everybody, in the order of the tables. */
export const CONTENDERS: readonly Contender[] = [
  portcullis({
    name: REFERENCE,
    about: 'JWT, authorization rules, limits, assertion and audit',
    secured: true,
  }),
  portcullis({
    name: 'portcullis-off',
    about: 'anonymous caller, no rules; audit stays on, since it cannot be switched off',
    secured: false,
  }),
  portcullis({
    name: 'portcullis-unaudited',
    about: `${REFERENCE} with nothing counted for the audit, recorded or written, which the product cannot be set to`,
    secured: true,
    program: 'portcullis-unaudited-gateway.ts',
  }),
  portcullis({
    name: PIPELINED,
    about: `${REFERENCE} with up to sixteen queries under way on one connection to a subgraph`,
    secured: true,
    sections: {
      subgraphs: Object.fromEntries(SUBGRAPH_NAMES.map((name) => [name, { pipelining: 16 }])),
    },
  }),
  portcullis({
    name: 'portcullis-metered',
    about: `${REFERENCE} with cost, rate limits and failures metered in the process`,
    secured: true,
    sections: metered(),
  }),
  portcullisOnRedis(LEASED, 'leased'),
  portcullisOnRedis('portcullis-redis-strict', 'strict'),
  apollo,
  hive('hive', []),
  hive('hive-rust', ['--hive-router-runtime']),
  nginx,
];
