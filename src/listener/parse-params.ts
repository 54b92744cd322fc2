import { GatewayError } from '../errors.ts';
import { checkPersistedQuery } from './persisted-query.ts';
import type { GraphQLParams } from './request.ts';
import { EMPTY_OBJECT, isJsonObject, type JsonObject, sealJson } from './sealed-json.ts';

/** One operation's parameters, or why they are refused. */
export type ParsedParams = GraphQLParams | GatewayError;

/** A request that is malformed in a way worth telling; `message` never repeats what the client sent. */
export function malformed(message: string): GatewayError {
  return new GatewayError('BAD_REQUEST', { details: [{ message }] });
}

/**
 * Checks the shapes of the four parameters; other members are ignored, as the specification asks.
 * Source: GraphQL over HTTP, section 5.1.
 */
export function parseParams(value: unknown): ParsedParams {
  if (!isJsonObject(value)) return malformed('The request must be an object.');
  const query = optionalString(value, 'query');
  if (query instanceof GatewayError) return query;
  const operationName = optionalString(value, 'operationName');
  if (operationName instanceof GatewayError) return operationName;
  const variables = optionalObject(value, 'variables');
  if (variables instanceof GatewayError) return variables;
  const extensions = optionalObject(value, 'extensions');
  if (extensions instanceof GatewayError) return extensions;
  const refusal = checkPersistedQuery(query, extensions);
  if (refusal !== null) return refusal;
  if (query === null || query === '') return malformed('query must be a string that is not empty.');
  return { query, operationName, variables, extensions };
}

function optionalString(value: JsonObject, name: string): string | null | GatewayError {
  const member = Object.hasOwn(value, name) ? value[name] : null;
  if (member === null) return null;
  if (typeof member !== 'string') return malformed(`${name} must be a string or null.`);
  // Halves of surrogate pairs all become the same replacement character in UTF-8, so unequal texts would hash alike.
  return member.isWellFormed() ? member : malformed(`${name} must be well-formed Unicode.`);
}

function optionalObject(value: JsonObject, name: string): JsonObject | GatewayError {
  const member = Object.hasOwn(value, name) ? value[name] : null;
  if (member === null) return EMPTY_OBJECT;
  if (!isJsonObject(member)) return malformed(`${name} must be an object or null.`);
  const sealed = sealJson(member);
  return isJsonObject(sealed) ? sealed : malformed(`${name} is too deep, or has a key that is not allowed.`);
}
