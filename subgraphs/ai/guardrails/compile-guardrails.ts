import { createHash } from 'node:crypto';
import type { GuardrailAction } from './finding.ts';
import { type GuardrailPolicy, type GuardrailsConfig, policyWith } from './guardrails-config.ts';
import { createInjectionDetector } from './injection-detector.ts';
import { createPiiDetector } from './pii-detector.ts';
import { createSecretsDetector } from './secrets-detector.ts';
import type { Place, TextCheck } from './text-check.ts';
import { createTopicsDetector } from './topics-detector.ts';

type Switched = GuardrailAction | 'off';

/** What is done for the calls of one tenant, ready to run. */
export interface CompiledPolicy {
  /** Another one for every other policy: what was let through under one may not be under another. */
  readonly version: string;
  readonly input: readonly TextCheck[];
  readonly output: readonly TextCheck[];
  /** One of its patterns has to stand in what the user said last. */
  readonly allowed: { readonly check: TextCheck; readonly action: GuardrailAction } | null;
  readonly sizes: NonNullable<GuardrailPolicy['sizes']> | null;
  /** What becomes of images, which are not read. */
  readonly images: Exclude<Switched, 'mask'>;
  readonly outputSchema: Exclude<Switched, 'mask'>;
  /** Words of the longest pattern that answers are searched for. */
  readonly phraseWordsMax: number;
}

/** The guardrails of all tenants. */
export interface Guardrails {
  /** Null where nothing is looked for. */
  policyOf(tenant: string | null): CompiledPolicy | null;
  /** The version of a tenant's policy, also where it is none. */
  versionOf(tenant: string | null): string;
}

const EVERYWHERE: ReadonlySet<Place> = new Set<Place>(['instructions', 'conversation', 'tools']);
/** Instructions of an application say what must not be done. */
const NOT_INSTRUCTIONS: ReadonlySet<Place> = new Set<Place>(['conversation', 'tools']);
const CONVERSATION: ReadonlySet<Place> = new Set<Place>(['conversation']);
const NONE = 'none';

/** Makes all policies once. */
export function compileGuardrails(config: GuardrailsConfig): Guardrails {
  const { tenants, ...rest } = config;
  const forAll = compile(policyWith(config, {}));
  const own = new Map(
    Object.entries(tenants).map(([name, part]) => [
      name,
      compile(policyWith({ ...rest, tenants: {} }, part)),
    ]),
  );
  const policyOf = (tenant: string | null): CompiledPolicy | null => {
    const policy = tenant === null ? undefined : own.get(tenant);
    return policy === undefined ? forAll : policy;
  };
  return { policyOf, versionOf: (tenant) => policyOf(tenant)?.version ?? NONE };
}

function compile(policy: GuardrailPolicy): CompiledPolicy | null {
  const { topics, sizes = null, outputSchema } = policy;
  const compiled = {
    version: createHash('sha256')
      .update(JSON.stringify(sorted(policy)))
      .digest('base64url')
      .slice(0, 22),
    input: checksOf(policy, 'input'),
    output: checksOf(policy, 'output'),
    allowed: allowedOf(topics),
    sizes,
    images: policy.images?.input ?? imagesBy(policy),
    outputSchema: outputSchema?.output ?? ('off' as const),
    phraseWordsMax: Math.max(0, ...(topics?.denied ?? []).map((pattern) => pattern.split(/[ -]/u).length)),
  };
  const isOff =
    compiled.input.length + compiled.output.length === 0 &&
    [compiled.allowed, sizes].every((part) => part === null) &&
    [compiled.images, compiled.outputSchema].every((action) => action === 'off');
  return isOff ? null : compiled;
}

/** What a text may not say an image may not say either; what cannot be taken out of it is told. */
function imagesBy({ pii, secrets, injection, topics }: GuardrailPolicy): CompiledPolicy['images'] {
  const actions = new Set([pii, secrets, injection, topics].map((guardrail) => guardrail?.input ?? 'off'));
  if (actions.has('block')) return 'block';
  return actions.has('mask') ? 'report' : 'off';
}

function sorted(policy: GuardrailPolicy): unknown {
  return Object.entries(policy).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Secrets first: the password in a URL looks like the beginning of an address. */
function checksOf(
  { secrets, pii, injection, topics }: GuardrailPolicy,
  direction: 'input' | 'output',
): TextCheck[] {
  const checks: TextCheck[] = [];
  const add = (action: Switched | undefined, check: () => Omit<TextCheck, 'action'>): void => {
    if (action !== undefined && action !== 'off') checks.push({ ...check(), action });
  };
  add(secrets?.[direction], () => ({
    detector: createSecretsDetector(),
    isReversible: false,
    places: EVERYWHERE,
  }));
  add(pii?.[direction], () => ({
    detector: createPiiDetector(pii?.kinds),
    isReversible: direction === 'input' && pii?.reversible === true,
    places: EVERYWHERE,
  }));
  if (direction === 'input')
    add(injection?.input, () => ({
      detector: createInjectionDetector(),
      isReversible: false,
      places: NOT_INSTRUCTIONS,
    }));
  if ((topics?.denied.length ?? 0) > 0)
    add(topics?.[direction], () => ({
      detector: createTopicsDetector(topics?.denied ?? []),
      isReversible: false,
      places: CONVERSATION,
    }));
  return checks;
}

function allowedOf(topics: GuardrailPolicy['topics']): CompiledPolicy['allowed'] {
  if (topics === undefined || topics.allowed.length === 0 || topics.input === 'off') return null;
  // What is not there cannot be taken out.
  const action = topics.input === 'mask' ? 'block' : topics.input;
  const detector = createTopicsDetector(topics.allowed);
  return { action, check: { detector, action, isReversible: false, places: CONVERSATION } };
}
