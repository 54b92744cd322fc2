import type { HiddenInput } from '../supergraph/policy.ts';

/** Begins the variables that the gateway adds to what runs; clients may declare none such. */
export const PRINCIPAL_VARIABLE_PREFIX = '__principal_';

/** The variable that carries a claim of the principal: one for each type, since an ID fits no String. */
export function principalVariable({ claim, typeName }: HiddenInput): string {
  return `${PRINCIPAL_VARIABLE_PREFIX}${claim}_${typeName}`;
}

/**
 * Response key of the owner of objects of a type, in what subgraphs answer. Clients' aliases never begin like it.
 * One for each type: owners of different type under one key would be a conflict.
 */
export function tenantKeyOf(typeName: string): string {
  return `__tenant_${typeName}`;
}
