import { afterEach, describe, expect, it } from 'vitest';
import { Entitlements } from '../../src/control/entitlements.ts';
import { ChangeFollower } from '../../src/control/follow-changes.ts';
import type { ControlSnapshot } from '../../src/control/snapshot.ts';
import type { SnapshotStore } from '../../src/control/snapshot-store.ts';
import { CLOSED, snapshot } from './control-kit.ts';

/** So long that nothing comes by asking. */
const NEVER_MS = 2_000_000_000;

/** A control plane whose versions a test sets, with what was asked of it and what became of that. */
class Plane implements SnapshotStore {
  readonly versions = { restrictions: 1, entitlements: 1 };
  readonly asked: string[] = [];
  readonly told: string[] = [];
  held: number | null = null;
  heardAtMs = 0;
  nowMs = 0;
  readonly #held = Promise.withResolvers<void>();
  #isHeld = false;
  fault: Error | null = null;

  readonly follower: ChangeFollower;

  constructor(entitlements?: Entitlements) {
    this.follower = new ChangeFollower({
      snapshots: this,
      entitlements: entitlements ?? this,
      now: () => this.nowMs,
      pollMs: NEVER_MS,
      onReplaced: ({ version }) => void this.told.push(`entitlements ${version}`),
      onRestricted: ({ version }) => void this.told.push(`restrictions ${version}`),
      onFault: (fault) => void this.told.push(fault === null ? 'well' : 'fault'),
    });
  }

  get version(): number | null {
    return this.held;
  }

  replace(read: ControlSnapshot): void {
    this.held = read.version;
  }

  confirm(heardAtMs: number): void {
    this.heardAtMs = heardAtMs;
  }

  async load(): Promise<ControlSnapshot> {
    this.asked.push('all');
    const version = this.versions.entitlements;
    if (this.#isHeld) await this.#held.promise;
    if (this.fault !== null) throw this.fault;
    return snapshot({ version });
  }

  async changesSince(version: number | null) {
    if (this.fault !== null) throw this.fault;
    const versions = { ...this.versions };
    if (version === versions.restrictions) return { versions, restricted: null };
    this.asked.push('restrictions');
    return { versions, restricted: { version: versions.restrictions, switches: [], restraints: [] } };
  }

  /** Reading everything takes until it is let go. */
  hold(): void {
    this.#isHeld = true;
  }

  letGo(): void {
    this.#isHeld = false;
    this.#held.resolve();
  }

  /** As a change that touches everything, or only what is restricted; told at once. */
  change(kind: 'any' | 'restricts'): void {
    this.versions.restrictions += 1;
    if (kind === 'any') this.versions.entitlements += 1;
    this.follower.hear();
  }
}

/** Until all that was asked for has been answered. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('who follows the control plane', () => {
  const opened: Plane[] = [];
  afterEach(async () => {
    for (const plane of opened.splice(0)) {
      plane.letGo();
      await plane.follower.close();
    }
  });
  const start = async (): Promise<Plane> => {
    const plane = new Plane();
    opened.push(plane);
    await plane.follower.start();
    expect([plane.asked.splice(0), plane.told.splice(0)]).toEqual([
      ['all', 'restrictions'],
      ['entitlements 1', 'restrictions 1'],
    ]);
    return plane;
  };

  it('reads only what is restricted where nothing else has changed', async () => {
    const plane = await start();
    plane.nowMs = 7;
    plane.change('restricts');
    await settled();
    expect([plane.asked, plane.told]).toEqual([['restrictions'], ['restrictions 2']]);
    // That nothing else has changed was heard then.
    expect(plane.heardAtMs).toBe(7);
  });

  it('reads everything where anything may have changed, and what is restricted first', async () => {
    const plane = await start();
    plane.change('any');
    await settled();
    expect(plane.told).toEqual(['restrictions 2', 'entitlements 2']);
  });

  it('holds what is restricted while everything is being read', async () => {
    const plane = await start();
    plane.hold();
    plane.change('any');
    await settled();
    plane.change('restricts');
    await settled();
    expect(plane.told).toEqual(['restrictions 2', 'restrictions 3']);
    plane.letGo();
    await settled();
    expect(plane.told).toEqual(['restrictions 2', 'restrictions 3', 'entitlements 2']);
  });

  it('reads again what changes while it is being read', async () => {
    const plane = await start();
    plane.hold();
    plane.change('any');
    await settled();
    plane.change('any');
    await settled();
    plane.letGo();
    await settled();
    expect(plane.held).toBe(3);
    expect(plane.asked.filter((each) => each === 'all')).toHaveLength(2);
  });

  it('reads nothing where it is told and nothing has changed', async () => {
    const plane = await start();
    plane.follower.hear();
    await settled();
    expect([plane.asked, plane.told]).toEqual([[], []]);
  });

  it('tells once that nobody answers, keeps what it has, and follows again afterwards', async () => {
    const plane = await start();
    plane.fault = new Error('gone');
    plane.change('any');
    plane.change('restricts');
    await settled();
    plane.follower.hear();
    await settled();
    expect([plane.told.splice(0), plane.held]).toEqual([['fault'], 1]);
    plane.fault = null;
    plane.follower.hear();
    await settled();
    expect(plane.told.toSorted()).toEqual(['entitlements 2', 'restrictions 3', 'well']);
  });

  it('takes what another database says that has lost the last changes, and has made others since', async () => {
    const entitlements = new Entitlements({ ...CLOSED, staleMs: 1000 }, () => plane.nowMs);
    const plane = new Plane(entitlements);
    opened.push(plane);
    await plane.follower.start();
    plane.change('any');
    await settled();
    expect(entitlements.version).toBe(2);
    // A failover: what came last is gone.
    Object.assign(plane.versions, { restrictions: 1, entitlements: 1 });
    plane.nowMs = 2000;
    plane.follower.hear();
    await settled();
    expect([entitlements.version, entitlements.isFresh]).toEqual([1, true]);
    // Another change gets the number of the one that is gone before anybody asks.
    plane.change('any');
    await settled();
    plane.told.length = 0;
    plane.follower.hear(true);
    await settled();
    expect(plane.told.toSorted()).toEqual(['entitlements 2', 'restrictions 2']);
  });

  it('doubts what it has until it was read anew', async () => {
    const plane = await start();
    plane.fault = new Error('gone');
    plane.follower.hear(true);
    await settled();
    plane.fault = null;
    plane.follower.hear();
    await settled();
    expect(plane.told.toSorted()).toEqual(['entitlements 1', 'fault', 'restrictions 1', 'well']);
  });

  it('reads nothing more once it is closed', async () => {
    const plane = await start();
    await plane.follower.close();
    plane.change('any');
    await settled();
    expect(plane.asked).toEqual([]);
  });
});
