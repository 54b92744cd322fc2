import { GraphQLError } from 'graphql';
import { BodyError } from './http-body.ts';

/** An answer that is sent as a whole. */
export interface WholeAnswer {
  readonly status: number;
  /** Names in lower case; its length is told by who sends it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** What a fault is answered with; what was not foreseen says nothing of itself. */
export function refusalOf(error: unknown): WholeAnswer {
  const status = statusOf(error);
  // What is left of a body that is too large is not read: the connection ends instead.
  const more: Record<string, string> = status === 413 ? { connection: 'close' } : {};
  return refusal(status, clientErrorOf(error), more);
}

/** A refusal in GraphQL's form. */
export function refusal(
  status: number,
  { message, code }: { readonly message: string; readonly code: string },
  more: Readonly<Record<string, string>> = {},
): WholeAnswer {
  const text = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  return { status, headers: { ...more, 'content-type': JSON_TYPE }, text };
}

function statusOf(error: unknown): number {
  if (error instanceof BodyError) return error.status;
  const http = error instanceof GraphQLError ? error.extensions['http'] : undefined;
  return typeof http === 'object' && http !== null && 'status' in http ? Number(http.status) : 500;
}

function clientErrorOf(error: unknown): { readonly message: string; readonly code: string } {
  if (error instanceof BodyError) return { message: error.message, code: 'BAD_REQUEST' };
  if (error instanceof GraphQLError)
    return { message: error.message, code: String(error.extensions['code']) };
  return { message: 'Internal server error', code: 'INTERNAL_SERVER_ERROR' };
}
