import type { FetchStep } from '../../operation/plan.ts';

/** The client's variables that a fetch uses, printed as members of an object. */
export function printVariables(fetch: FetchStep, variables: Readonly<Record<string, unknown>>): string {
  let members = '';
  for (const name of fetch.variables) {
    const value = variables[name];
    if (value === undefined) continue;
    members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return members;
}
