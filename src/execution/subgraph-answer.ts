import type { Expiring } from '../deadlines.ts';

/** Why a call has no answer. */
export interface SubgraphFailure {
  readonly kind: 'failure';
  /** HTTP status, or 0 where none came. */
  readonly status: number;
  readonly code: 'DOWNSTREAM_SERVICE_ERROR' | 'SUBGRAPH_TIMEOUT' | 'SUBGRAPH_UNAVAILABLE' | 'REQUEST_ABORTED';
  readonly cause: unknown;
}

/** An answer as it came, not yet understood. */
export interface SubgraphText {
  readonly kind: 'text';
  readonly status: number;
  readonly text: string;
}

/** What came of one call: an answer that is a JSON object, or why there is none. */
export type SubgraphAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: Readonly<Record<string, unknown>> }
  | SubgraphFailure;

/** Told once what came of a call. */
export type Done = (answer: SubgraphText | SubgraphFailure) => void;

/** A call under way. */
export interface RunningCall extends Expiring {
  /** Ends it from this side; does nothing where it has ended. */
  cut(code: SubgraphFailure['code']): void;
}

/** Reads an answer's text as the JSON object that GraphQL over HTTP promises. */
export function understand(answer: SubgraphText | SubgraphFailure): SubgraphAnswer {
  if (answer.kind === 'failure') return answer;
  try {
    const body: unknown = JSON.parse(answer.text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
      return { kind: 'answer', status: answer.status, body: body as Record<string, unknown> };
    }
    return { kind: 'failure', status: answer.status, code: 'DOWNSTREAM_SERVICE_ERROR', cause: null };
  } catch (cause) {
    return { kind: 'failure', status: answer.status, code: 'DOWNSTREAM_SERVICE_ERROR', cause };
  }
}
