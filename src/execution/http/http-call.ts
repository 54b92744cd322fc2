import type { Deadlines } from '../../deadlines.ts';
import type { Done, RunningCall, SubgraphFailure } from '../subgraph-answer.ts';

/** The request of a call as it is sent. */
export interface HttpRequest {
  /** All of it, each byte a character. */
  readonly bytes: string;
  /** Units: milliseconds since the epoch. */
  readonly untilMs: number;
  /** Calls that may be under way on its connection at once; 1 where it is alone on it, as what must not be sent twice. */
  readonly pipelining: number;
}

/** Told why a call is cut off. */
type OnCut = (code: SubgraphFailure['code']) => void;

/** One request and its answer: settles once, by whichever comes first of end, fault, size, time and being cut off. */
export class HttpCall implements RunningCall {
  readonly request: HttpRequest;
  readonly untilMs: number;
  place = 0;
  readonly #deadlines: Deadlines;
  readonly #done: Done;
  #onCut: OnCut | null = null;
  #settled = false;
  /** The head of the answer as it was read, once it is there. */
  head = '';

  constructor(
    request: HttpRequest,
    { deadlines, done }: { readonly deadlines: Deadlines; readonly done: Done },
  ) {
    this.request = request;
    this.untilMs = request.untilMs;
    this.#deadlines = deadlines;
    this.#done = done;
    deadlines.watch(this);
  }

  /** What has to be given back where the call is cut off before it has settled. */
  heldBy(onCut: OnCut): void {
    this.#onCut = onCut;
  }

  get isSettled(): boolean {
    return this.#settled;
  }

  expire(): void {
    this.cut('SUBGRAPH_TIMEOUT');
  }

  cut(code: SubgraphFailure['code']): void {
    const onCut = this.#onCut;
    if (this.#settled) return;
    this.fail(code, { status: 0, cause: null });
    onCut?.(code);
  }

  fail(code: SubgraphFailure['code'], { status, cause }: Pick<SubgraphFailure, 'status' | 'cause'>): void {
    this.#settle({ kind: 'failure', status, code, cause });
  }

  answer({
    status,
    text,
    head,
  }: {
    readonly status: number;
    readonly text: string;
    readonly head: string;
  }): void {
    this.head = head;
    this.#settle({ kind: 'text', status, text });
  }

  #settle(answer: Parameters<Done>[0]): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#onCut = null;
    this.#deadlines.forget(this);
    this.#done(answer);
  }
}
