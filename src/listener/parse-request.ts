import { Buffer, isUtf8 } from 'node:buffer';
import { GatewayError } from '../errors.ts';
import { malformed, type ParsedParams, parseParams } from './parse-params.ts';

/** Whether array bodies are taken, and how many operations one may hold. */
export interface BatchRule {
  readonly enabled: boolean;
  readonly max: number;
}

/** The operations of one HTTP request: exactly one unless `batched`. */
export interface ParsedRequest {
  readonly batched: boolean;
  readonly items: readonly ParsedParams[];
}

const PARAMETERS: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions']);

/** A request of one operation. */
export function single(params: ParsedParams): ParsedRequest {
  return { batched: false, items: [params] };
}

/** Parses the decoded body of a POST: one operation, or an array of them where the rule allows. */
export function parseBody(bytes: Uint8Array, batching: BatchRule): ParsedRequest {
  if (!isUtf8(bytes)) return single(malformed('The body is not valid UTF-8.'));
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const body = parseJson(buffer.toString('utf8'));
  if (body instanceof GatewayError) return single(body);
  if (!Array.isArray(body)) return single(parseParams(body));
  if (!batching.enabled) return single(new GatewayError('BATCHING_NOT_ENABLED'));
  if (body.length === 0) return single(malformed('A batch must hold at least one operation.'));
  if (body.length > batching.max) return single(new GatewayError('BATCH_LIMIT_EXCEEDED'));
  return { batched: true, items: body.map(parseParams) };
}

/** Parses the query string of a GET, without its question mark. A parameter named twice is refused, not chosen from. */
export function parseQueryString(search: string): ParsedRequest {
  const values = new Map<string, string>();
  for (const pair of search.split('&')) {
    const separator = pair.includes('=') ? pair.indexOf('=') : pair.length;
    const name = decodeComponent(pair.slice(0, separator));
    const value = decodeComponent(pair.slice(separator + 1));
    if (name === null || value === null)
      return single(malformed('The URL is not valid percent-encoded UTF-8.'));
    if (!PARAMETERS.has(name)) continue;
    if (values.has(name)) return single(malformed(`${name} is given more than once.`));
    values.set(name, value);
  }
  const variables = parseJson(values.get('variables') ?? 'null');
  if (variables instanceof GatewayError) return single(variables);
  const extensions = parseJson(values.get('extensions') ?? 'null');
  if (extensions instanceof GatewayError) return single(extensions);
  // In a URL an empty operation name is the same as none (GraphQL over HTTP, section 5.3).
  const operationName = values.get('operationName') || null;
  return single(parseParams({ query: values.get('query') ?? null, operationName, variables, extensions }));
}

/** The error of JSON.parse quotes the text, so it is not passed on. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return malformed('The request holds malformed JSON.');
  }
}

function decodeComponent(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
