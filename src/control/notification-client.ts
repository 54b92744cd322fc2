import pg from 'pg';

export interface NotificationOptions {
  readonly url: string;
  readonly channel: string;
  /** Longest time that connecting may take. */
  readonly timeoutMs: number;
  /** Told of each word, and once after a time in which some may have been missed; `isAnew` where a connection before it had broken. */
  onWord(isAnew: boolean): void;
  /** Told of a connection that broke, or could not be had again. */
  onFault(fault: unknown): void;
}

/** Time between two attempts at a connection that broke. Reason: who follows asks by itself meanwhile. */
const RETRY_MS = 1000;

/**
 * A connection that listens on one channel of PostgreSQL, and is made anew whenever it breaks.
 * Invariant: after each time in which nothing could be heard, one word says that something may have been missed.
 */
export class NotificationClient {
  readonly #options: NotificationOptions;
  #client: pg.Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** The last attempt to connect anew; never rejects. */
  #attempt: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: NotificationOptions) {
    this.#options = options;
  }

  /** Resolves once it listens. Throws: what the database throws. */
  static async open(options: NotificationOptions): Promise<NotificationClient> {
    const listening = new NotificationClient(options);
    await listening.#connect(false);
    return listening;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#attempt;
    await this.#client?.end();
  }

  async #connect(isAnew: boolean): Promise<void> {
    const { url, channel, timeoutMs, onWord, onFault } = this.#options;
    const client = new pg.Client({
      ...{ connectionString: url, application_name: 'portcullis-listen', keepAlive: true },
      ...{ connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs },
    });
    client.once('error', onFault);
    // One break tells several.
    client.on('error', () => undefined);
    client.on('notification', () => onWord(false));
    this.#client = client;
    try {
      await client.connect();
      await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    } catch (fault) {
      await client.end();
      throw fault;
    }
    client.once('end', () => this.#retry());
    onWord(isAnew);
  }

  #retry(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#attempt = this.#connect(true).catch((fault: unknown) => {
        this.#options.onFault(fault);
        this.#retry();
      });
    }, RETRY_MS).unref();
  }
}
