import type { StepUp } from '../supergraph/policy.ts';

/** What a client has to ask its identity provider for. */
export interface StepUpNeed {
  readonly acrValues?: readonly string[];
  readonly amr?: readonly string[];
  /** Units: seconds. */
  readonly maxAge?: number;
}

/** What several rules ask for together: all methods, the shortest age, and the classes of the first that names any. */
export function stepUpNeed(rules: readonly StepUp[]): StepUpNeed {
  const acrValues = rules.find(({ acr }) => acr !== null)?.acr ?? null;
  const amr = [...new Set(rules.flatMap((rule) => rule.amr))];
  const ages = rules.flatMap(({ maxAgeSeconds }) => maxAgeSeconds ?? []);
  return {
    ...(acrValues === null ? {} : { acrValues }),
    ...(amr.length === 0 ? {} : { amr }),
    ...(ages.length === 0 ? {} : { maxAge: Math.min(...ages) }),
  };
}

/** The challenge of a refusal. Source: RFC 9470, section 3. */
export function stepUpChallenge({ acrValues, maxAge }: StepUpNeed): string {
  return [
    'Bearer error="insufficient_user_authentication"',
    'error_description="A stronger or fresher authentication is required"',
    ...(acrValues === undefined ? [] : [`acr_values="${acrValues.join(' ')}"`]),
    ...(maxAge === undefined ? [] : [`max_age="${maxAge}"`]),
  ].join(', ');
}
