/** Header fields of a request as Node gives them: names in lower case. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The single value of a header; a list header sent several times counts as one joined value. */
export function headerValue(headers: HeaderFields, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'object' ? value.join(', ') : value;
}

/**
 * Every value of a header in order, from the flat list of names and values.
 * Node drops or joins what is repeated, which would hide a second credential from the stage that refuses it.
 */
export function valuesOf(rawHeaders: readonly string[], wanted: string): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    const value = rawHeaders[index + 1];
    if (name?.length === wanted.length && name.toLowerCase() === wanted && value !== undefined)
      values.push(value);
  }
  return values;
}

/** The header values that may hold credentials. */
export interface CredentialFields {
  readonly authorization: readonly string[];
  readonly apiKeys?: readonly string[];
}

/** Reads what may hold credentials; `apiKeyHeader` is a name in lower case. */
export function credentialFields(
  rawHeaders: readonly string[],
  apiKeyHeader: string | undefined,
): CredentialFields {
  const authorization = valuesOf(rawHeaders, 'authorization');
  return apiKeyHeader === undefined
    ? { authorization }
    : { authorization, apiKeys: valuesOf(rawHeaders, apiKeyHeader) };
}
