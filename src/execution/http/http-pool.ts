import { connect, type OnReadOpts, type Socket } from 'node:net';
import type { HttpCall } from './http-call.ts';
import { type ConnectionOwner, HttpConnection } from './http-connection-client.ts';
import type { HttpTarget } from './request-head.ts';

export interface HttpPoolOptions {
  /** Largest body of an answer. */
  readonly bytesMax: number;
  readonly connectionsMax: number;
  /** Units: milliseconds since the epoch. */
  readonly now: () => number;
  /** Default: over plain TCP. */
  readonly connect?: (target: HttpTarget, onread: OnReadOpts) => Socket;
}

/** How long an answer may hold up others behind it on its connection; reason: most subgraphs answer in a fraction of it. */
const STALL_MS = 100;
/** How long no call waits behind another once one has held others up; reason: what it sent twice is then a small share. */
const STALL_PAUSE_MS = 30_000;
/** Calls that may wait for a connection; reason: more could not be answered within any timeout, and each holds its request. */
const WAITING_MAX = 10_000;
/** How long an idle connection is used again where the peer says nothing; reason: less than any common server keeps one. */
const IDLE_MS = 4_000;
/** Taken off what the peer says, for the way there: a call that meets a closing connection may be lost. */
const IDLE_MARGIN_MS = 1_000;
const IDLE_MS_MAX = 600_000;

interface Idle {
  readonly connection: HttpConnection;
  /** Units: milliseconds since the epoch. */
  readonly untilMs: number;
}

/** Kept connections to one host: the one used last is used next, so that those which are not needed grow old and end. */
export class HttpPool implements ConnectionOwner {
  readonly bytesMax: number;
  readonly now: () => number;
  readonly #target: HttpTarget;
  readonly #options: HttpPoolOptions;
  readonly #open = new Set<HttpConnection>();
  #idle: Idle[] = [];
  /** With calls that others may be sent behind. */
  readonly #shared = new Set<HttpConnection>();
  readonly #waiting = new Set<HttpCall>();
  #stallTimer: NodeJS.Timeout | null = null;
  #pausedUntilMs = 0;
  #closed = false;

  constructor(target: HttpTarget, options: HttpPoolOptions) {
    this.#target = target;
    this.#options = options;
    this.now = options.now;
    this.bytesMax = options.bytesMax;
  }

  /** How many connections there are, and calls that wait for one. */
  get counts(): { readonly busy: number; readonly idle: number; readonly waiting: number } {
    const idle = this.#idle.length;
    return { busy: this.#open.size - idle, idle, waiting: this.#waiting.size };
  }

  /** Sends a call over a connection that is free, or a new one, or the next that becomes free. */
  start(call: HttpCall): void {
    if (this.#closed) {
      call.fail('DOWNSTREAM_SERVICE_ERROR', { status: 0, cause: CLOSED });
      return;
    }
    const connection = this.#withRoomFor(call) ?? this.#takeIdle();
    if (connection !== null) this.#send(connection, call);
    else if (this.#open.size < this.#options.connectionsMax) this.#connect(call);
    else if (this.#waiting.size >= WAITING_MAX) call.fail('SUBGRAPH_UNAVAILABLE', { status: 0, cause: null });
    else {
      this.#waiting.add(call);
      call.heldBy(() => this.#waiting.delete(call));
    }
  }

  connect(onread: OnReadOpts): Socket {
    const { host, port } = this.#target;
    return this.#options.connect?.(this.#target, onread) ?? connect({ host, port, noDelay: true, onread });
  }

  onFree(connection: HttpConnection, reusableMs: number): void {
    this.#shared.delete(connection);
    const next = this.#takeWaiting();
    if (next !== null) {
      this.#send(connection, next);
      if (next.request.pipelining > 1) this.onRoom(connection);
      return;
    }
    const idleMs = reusableMs === Number.POSITIVE_INFINITY ? IDLE_MS : reusableMs - IDLE_MARGIN_MS;
    if (idleMs <= 0) {
      connection.close(null);
      return;
    }
    const now = this.now();
    this.#idle.push({ connection, untilMs: now + Math.min(idleMs, IDLE_MS_MAX) });
    const [oldest] = this.#idle;
    if (oldest !== undefined && oldest.untilMs <= now) oldest.connection.close(null);
  }

  /** Sends what waits behind what is under way, up to the first call that is to be alone. */
  onRoom(connection: HttpConnection): void {
    for (const call of this.#waiting) {
      const { pipelining } = call.request;
      if (connection.load >= pipelining || this.now() < this.#pausedUntilMs) return;
      this.#waiting.delete(call);
      this.#send(connection, call);
    }
  }

  onGone(connection: HttpConnection): void {
    this.#open.delete(connection);
    this.#shared.delete(connection);
    this.#idle = this.#idle.filter((idle) => idle.connection !== connection);
    const next = this.#closed ? null : this.#takeWaiting();
    if (next !== null) this.#connect(next);
  }

  /** Ends all that is under way. */
  close(): void {
    this.#closed = true;
    if (this.#stallTimer !== null) clearTimeout(this.#stallTimer);
    for (const call of this.#waiting) call.fail('DOWNSTREAM_SERVICE_ERROR', { status: 0, cause: CLOSED });
    this.#waiting.clear();
    for (const connection of this.#open) connection.close(CLOSED);
  }

  #connect(call: HttpCall): void {
    const connection = new HttpConnection(this);
    this.#open.add(connection);
    this.#send(connection, call);
  }

  #send(connection: HttpConnection, call: HttpCall): void {
    connection.send(call);
    if (call.request.pipelining === 1) return;
    this.#shared.add(connection);
    this.#stallTimer ??= setTimeout(this.#lookForStalls, STALL_MS);
  }

  /** A connection with calls under way that this one may be sent behind; null where it is sent on one of its own. */
  #withRoomFor({ request: { pipelining } }: HttpCall): HttpConnection | null {
    // Whoever waits was first: what is sent alone would wait for ever for a connection that others keep busy.
    if (pipelining === 1 || this.#waiting.size > 0 || this.now() < this.#pausedUntilMs) return null;
    for (const connection of this.#shared) if (connection.load < pipelining) return connection;
    return null;
  }

  readonly #lookForStalls = (): void => {
    this.#stallTimer = this.#shared.size === 0 ? null : setTimeout(this.#lookForStalls, STALL_MS);
    // What came while the process was busy is read first: its own delay is not that of the subgraph.
    setImmediate(this.#endStalls, this.now() - STALL_MS);
  };

  /** Sends what waits behind a slow answer on connections of its own, and for a while nothing behind anything. */
  readonly #endStalls = (sinceMs: number): void => {
    for (const connection of [...this.#shared]) {
      const stalled = connection.takeStalled(sinceMs);
      if (stalled.length > 0) this.#pausedUntilMs = this.now() + STALL_PAUSE_MS;
      for (const call of stalled) this.start(call);
    }
  };

  #takeIdle(): HttpConnection | null {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.untilMs > this.now()) return idle.connection;
      idle.connection.close(null);
    }
    return null;
  }

  #takeWaiting(): HttpCall | null {
    for (const call of this.#waiting) {
      this.#waiting.delete(call);
      return call;
    }
    return null;
  }
}

const CLOSED = new Error('The client is closed.');
