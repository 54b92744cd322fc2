/** A media type as a header states it: essence and parameter names in lower case. */
export interface MediaType {
  readonly essence: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const ESSENCE = new RegExp(`[\\t ]*(${TOKEN}/${TOKEN})[\\t ]*`, 'y');
const PARAMETER = new RegExp(`;[\\t ]*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?[\\t ]*`, 'y');

/** The value nearly every request carries, parsed once. */
const PLAIN_JSON: MediaType = Object.freeze({ essence: 'application/json', parameters: new Map() });

/**
 * Parses a media type or a media range; null where the value is not exactly one, or names a parameter twice.
 * Stricter than what browsers do, so that nothing a browser sends without a preflight passes for something else.
 * Source: RFC 9110 section 8.3.1.
 */
export function parseMediaType(value: string): MediaType | null {
  if (value === 'application/json') return PLAIN_JSON;
  ESSENCE.lastIndex = 0;
  const essence = ESSENCE.exec(value)?.[1];
  if (essence === undefined) return null;
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = ESSENCE.lastIndex;
  while (PARAMETER.lastIndex < value.length) {
    const match = PARAMETER.exec(value);
    if (match === null) return null;
    const name = match[1]?.toLowerCase();
    if (name === undefined) continue;
    if (parameters.has(name)) return null;
    parameters.set(name, match[2] ?? (match[3] ?? '').replace(/\\(.)/g, '$1'));
  }
  return { essence: essence.toLowerCase(), parameters };
}

/** Whether text of this type is UTF-8: by its charset, or because it names none. */
export function isUtf8(type: MediaType): boolean {
  const charset = type.parameters.get('charset');
  return charset === undefined || /^utf-?8$/i.test(charset);
}
