import type { Dispatcher } from 'undici';
import type { Deadlines } from '../deadlines.ts';
import type { Done, RunningCall, SubgraphFailure, SubgraphText } from './subgraph-answer.ts';

interface UndiciCallOptions {
  readonly untilMs: number;
  readonly bytesMax: number;
  readonly deadlines: Deadlines;
  readonly done: Done;
}

/** One request by undici: settles once, by whichever comes first of end, fault, size, time and being cut off. */
export class UndiciCall implements Dispatcher.DispatchHandler, RunningCall {
  readonly untilMs: number;
  place = 0;
  readonly #options: UndiciCallOptions;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | null = null;
  #bytes = 0;
  #status = 0;
  #settled = false;

  constructor(options: UndiciCallOptions) {
    this.#options = options;
    this.untilMs = options.untilMs;
    options.deadlines.watch(this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('The call ended before it was sent.'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number): void {
    this.#status = statusCode;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#options.bytesMax) this.cut('DOWNSTREAM_SERVICE_ERROR');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#settle({ kind: 'text', status: this.#status, text: bytes.toString('utf8') });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, cause: unknown): void {
    this.#settle({ kind: 'failure', status: this.#status, code: 'DOWNSTREAM_SERVICE_ERROR', cause });
  }

  expire(): void {
    this.cut('SUBGRAPH_TIMEOUT');
  }

  cut(code: SubgraphFailure['code']): void {
    if (this.#settled) return;
    this.#settle({ kind: 'failure', status: this.#status, code, cause: null });
    this.#controller?.abort(new Error('The call was cut off.'));
  }

  #settle(answer: SubgraphText | SubgraphFailure): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#options.deadlines.forget(this);
    this.#options.done(answer);
  }
}
