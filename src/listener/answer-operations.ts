import type { CredentialFields } from './header-fields.ts';
import type { ParsedParams } from './parse-params.ts';
import type { ParsedRequest } from './parse-request.ts';
import {
  type GatewayAnswer,
  type GatewayResponse,
  type GraphQLRequest,
  type Handle,
  isStream,
} from './request.ts';

/** What one exchange asks: what its operations have in common, and the operations. */
export interface Asked
  extends Pick<
    GraphQLRequest,
    | 'id'
    | 'receivedAtMs'
    | 'method'
    | 'remoteAddress'
    | 'responseMediaType'
    | 'headers'
    | 'streams'
    | 'defers'
    | 'signal'
  > {
  readonly credentials: CredentialFields;
  readonly parsed: ParsedRequest;
}

/** The answers to a batch, in order, or the one answer there is. Never rejects where `handle` does not. */
export function answerAll(asked: Asked, handle: Handle): Promise<GatewayAnswer | readonly GatewayResponse[]> {
  const { batched, items } = asked.parsed;
  const [first] = items;
  return !batched && first !== undefined
    ? handle(requestOf(asked, first, null))
    : answerBatch(asked, items, handle);
}

async function answerBatch(
  asked: Asked,
  items: readonly ParsedParams[],
  handle: Handle,
): Promise<readonly GatewayResponse[]> {
  const used = new Map<string, number>();
  const batch = { size: items.length, used };
  const answers = await Promise.all(
    items.map((params, index) => handle({ ...requestOf(asked, params, batch), id: `${asked.id}.${index}` })),
  );
  return answers.flatMap((answer) => (isStream(answer) ? [] : [answer]));
}

/** Tells the answers to a batch from the answer to one operation. */
export function isBatch(
  answer: GatewayAnswer | readonly GatewayResponse[],
): answer is readonly GatewayResponse[] {
  return Array.isArray(answer);
}

function requestOf(asked: Asked, params: ParsedParams, batch: GraphQLRequest['batch']): GraphQLRequest {
  const { authorization, apiKeys } = asked.credentials;
  return {
    id: asked.id,
    receivedAtMs: asked.receivedAtMs,
    method: asked.method,
    remoteAddress: asked.remoteAddress,
    responseMediaType: asked.responseMediaType,
    authorization,
    apiKeys,
    headers: asked.headers,
    params,
    batch,
    streams: asked.streams && batch === null,
    defers: asked.defers === true && batch === null,
    signal: asked.signal,
  };
}
