import { hash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { isJsonObject, type JsonObject } from './sealed-json.ts';

/**
 * What the persisted-query extension of a request refuses; null where there is none or its id fits the document.
 * Ids alone are not answered: there is no list of documents that they could name.
 * Source: Apollo's persisted query protocol, version 1.
 */
export function checkPersistedQuery(query: string | null, extensions: JsonObject): GatewayError | null {
  const persisted = extensions['persistedQuery'];
  if (persisted === undefined || persisted === null) return null;
  if (!isJsonObject(persisted) || persisted['version'] !== 1 || typeof persisted['sha256Hash'] !== 'string') {
    return new GatewayError('BAD_REQUEST', {
      details: [{ message: 'extensions.persistedQuery must be { version: 1, sha256Hash: string }.' }],
    });
  }
  if (query === null) return new GatewayError('PERSISTED_QUERY_NOT_SUPPORTED');
  if (persisted['sha256Hash'] !== hash('sha256', query, 'hex')) {
    return new GatewayError('PERSISTED_QUERY_HASH_MISMATCH');
  }
  return null;
}
