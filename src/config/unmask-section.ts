import { z } from 'zod';

/** Source: RFC 6749 §3.3, what a scope may consist of. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/u;

const scopeKey = (initial: string, about: string) =>
  z.string().regex(SCOPE, 'must be one scope').default(initial).describe(about);

/** The scopes that let values of sensitive fields be seen, by their class. */
export const unmaskSection = z.strictObject({
  personal: scopeKey('unmask:personal', 'Scope that shows data about persons.'),
  financial: scopeKey('unmask:financial', 'Scope that shows payment and bank data.'),
  health: scopeKey('unmask:health', 'Scope that shows health data.'),
  secret: scopeKey('unmask:secret', 'Scope that shows passwords, keys and tokens.'),
  confidential: scopeKey('unmask:confidential', 'Scope that shows business data that is not for the public.'),
});
