import type { FetchStep } from '../../operation/plan.ts';

/** The client's variables that a fetch uses, printed as members of an object. */
export function printVariables(fetch: FetchStep, variables: Readonly<Record<string, unknown>>): string {
  let members = '';
  for (const name of fetch.variables) {
    const value = variables[name];
    if (value === undefined) continue;
    // Names hold letters, digits and underscores only.
    members += `${members === '' ? '' : ','}"${name}":${JSON.stringify(value)}`;
  }
  return members;
}
