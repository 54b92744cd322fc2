/** Header fields of a request as Node gives them: names in lower case. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The single value of a header; a list header sent several times counts as one joined value. */
export function headerValue(headers: HeaderFields, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'object' ? value.join(', ') : value;
}

/**
 * Every `Authorization` value in order, from the flat list of names and values.
 * Node keeps the first and drops the rest, which would hide a second credential from the stage that refuses it.
 */
export function authorizationValues(rawHeaders: readonly string[]): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    const value = rawHeaders[index + 1];
    if (name?.length === 13 && name.toLowerCase() === 'authorization' && value !== undefined)
      values.push(value);
  }
  return values;
}
