import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { vi } from 'vitest';
import { freePort } from '../free-port.ts';
import { type RedisProcess, startRedis } from './redis-kit.ts';

const SLOTS = 16_384;
/** Nobody is taken for dead by chance: the replica takes over when it is told to. */
const NODE_TIMEOUT_MS = 60_000;

interface Node {
  readonly port: number;
  readonly busPort: number;
  readonly client: Redis;
  process: RedisProcess;
}

/** A Redis Cluster of three masters, each with a third of the slots, and one replica of the first. */
export class RedisClusterKit {
  readonly #folder: string;
  readonly #nodes: Node[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<RedisClusterKit> {
    const kit = new RedisClusterKit(await mkdtemp(join(tmpdir(), 'portcullis-cluster-')));
    await Promise.all(Array.from({ length: 4 }, (_, index) => kit.#startNode(index)));
    const [first] = kit.#nodes;
    if (first === undefined) throw new Error('no node');
    for (const [index, node] of kit.#nodes.entries()) {
      await node.client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
      if (index < 3) {
        const from = Math.ceil((index * SLOTS) / 3);
        const to = Math.ceil(((index + 1) * SLOTS) / 3) - 1;
        await node.client.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
      }
      if (node !== first)
        await node.client.call('CLUSTER', 'MEET', '127.0.0.1', String(first.port), String(first.busPort));
    }
    await kit.#settled(
      (state) => state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:4'),
    );
    const id = String(await first.client.call('CLUSTER', 'MYID'));
    await kit.#nodes[3]?.client.call('CLUSTER', 'REPLICATE', id);
    await vi.waitFor(async () => {
      const text = await kit.#nodes[3]?.client.info('replication');
      if (text?.includes('master_link_status:up') !== true) throw new Error('no replica yet');
    }, WAIT);
    return kit;
  }

  /** Where the masters are, by URL. */
  get nodes(): readonly string[] {
    return this.#nodes.slice(0, 3).map(({ port }) => `redis://127.0.0.1:${port}`);
  }

  /** Keys of each master. */
  async keys(): Promise<readonly (readonly string[])[]> {
    return Promise.all(this.#nodes.slice(0, 3).map(({ client }) => client.keys('*')));
  }

  /** Kills the master that has a replica, once that has all that was written: replication does not wait for anybody. */
  async killFirst(): Promise<void> {
    const [first] = this.#nodes;
    if (first === undefined) throw new Error('no node');
    const offset = async (pattern: RegExp): Promise<number> =>
      Number(pattern.exec(await first.client.info('replication'))?.[1] ?? -1);
    const written = await offset(/^master_repl_offset:(\d+)/m);
    await vi.waitFor(async () => {
      if ((await offset(/^slave0:.*,offset=(\d+)/m)) < written) throw new Error('not replicated');
    }, WAIT);
    await first.process.kill();
  }

  /** Lets the replica of the first take its place. */
  async failOver(): Promise<void> {
    await this.#nodes[3]?.client.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
  }

  async remove(): Promise<void> {
    for (const { client, process } of this.#nodes) {
      client.disconnect();
      await process.kill();
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #startNode(index: number): Promise<void> {
    const [port, busPort] = [await freePort(), await freePort()];
    const process = await startRedis([
      ...['--port', String(port), '--cluster-port', String(busPort), '--cluster-enabled', 'yes'],
      ...['--cluster-config-file', `nodes-${index}.conf`, '--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
      ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
      ...['--dir', this.#folder, '--dbfilename', `dump-${index}.rdb`],
    ]);
    const client = new Redis(port, '127.0.0.1', { retryStrategy: () => null });
    client.on('error', () => undefined);
    this.#nodes[index] = { port, busPort, client, process };
  }

  async #settled(isSettled: (state: string) => boolean): Promise<void> {
    await vi.waitFor(async () => {
      for (const { client } of this.#nodes)
        if (!isSettled(String(await client.call('CLUSTER', 'INFO')))) throw new Error('not settled');
    }, WAIT);
  }
}

const WAIT = { timeout: 15_000, interval: 20 };
