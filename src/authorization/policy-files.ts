import {
  checkParsePolicySet,
  type DetailedError,
  type Policy,
  policySetTextToParts,
  policyToJson,
  type SchemaJson,
  schemaToJson,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs';
import { type ErrorDetail, GatewayError } from '../errors.ts';
import { CALLER_TYPES, POLICY_NAMESPACE, POLICY_SCHEMA } from './policy-schema.ts';

/** One Cedar file as config read it. */
export interface PolicyFile {
  readonly path: string;
  readonly text: string;
}

/** All policies of all files, parsed and validated together. */
export interface LoadedPolicies {
  /** Keyed `path#n`, where n counts a file's policies from 0. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** One line each: valid but suspicious, such as a policy that can never apply. */
  readonly warnings: readonly string[];
}

interface ParsedFile extends PolicyFile {
  readonly policies: readonly Policy[];
  readonly actions: ReadonlySet<string>;
}

/**
 * Parses and validates every file against the policy schema; `names` are the policies the supergraph asks for.
 * A policy for a name that nothing asks for is a warning, so that policies may be rolled out before the graph.
 * Throws: CONFIG_INVALID with every fault of every file, each with path, line and column.
 */
export function loadPolicies(
  files: readonly PolicyFile[],
  names: ReadonlySet<string> | null,
): LoadedPolicies {
  const faults: ErrorDetail[] = [];
  const parsed = distinct(files, faults).flatMap((file) => parse(file, faults));
  const schema = policySchema(new Set([...(names ?? []), ...parsed.flatMap(({ actions }) => [...actions])]));
  const warnings: string[] = [];
  for (const file of parsed) {
    const answer = validate({ schema, policies: { staticPolicies: file.text } });
    if (answer.type === 'failure') {
      faults.push(...details(file, answer.errors));
      continue;
    }
    faults.push(
      ...details(
        file,
        answer.validationErrors.map(({ error }) => error),
      ),
    );
    const suspicions = [...answer.validationWarnings.map(({ error }) => error), ...answer.otherWarnings];
    warnings.push(...details(file, suspicions).map(({ message }) => message));
    for (const action of names === null ? [] : file.actions.difference(names)) {
      warnings.push(`${file.path}: no field asks for the policy ${JSON.stringify(action)}`);
    }
  }
  if (faults.length > 0) throw new GatewayError('CONFIG_INVALID', { details: faults });
  return { policies: byId(parsed), warnings };
}

/** The policy schema with one action for each name. */
export function policySchema(names: ReadonlySet<string>): SchemaJson<string> {
  const answer = schemaToJson(POLICY_SCHEMA);
  const base = answer.type === 'success' ? answer.json[POLICY_NAMESPACE] : undefined;
  if (base === undefined) throw new Error('the built-in policy schema does not parse');
  // Without any action the validator has no request to try and would accept everything.
  const actions = Object.assign(
    Object.create(null),
    Object.fromEntries(
      [...(names.size > 0 ? names : ['any'])].map((name) => [
        name,
        { appliesTo: { principalTypes: [...CALLER_TYPES], resourceTypes: ['Operation'] } },
      ]),
    ),
  );
  return { [POLICY_NAMESPACE]: { ...base, actions } };
}

/** Patterns of config may overlap and name a file twice, which is harmless; two texts under one path are not. */
function distinct(files: readonly PolicyFile[], faults: ErrorDetail[]): readonly PolicyFile[] {
  const texts = new Map<string, string>();
  for (const { path, text } of files) {
    const known = texts.get(path);
    if (known !== undefined && known !== text)
      faults.push({ message: `${path}: given twice with different text` });
    texts.set(path, text);
  }
  return [...texts].map(([path, text]) => ({ path, text }));
}

function parse(file: PolicyFile, faults: ErrorDetail[]): readonly ParsedFile[] {
  const whole = checkParsePolicySet({ staticPolicies: file.text });
  if (whole.type === 'failure') {
    faults.push(...details(file, whole.errors));
    return [];
  }
  const parts = policySetTextToParts(file.text);
  if (parts.type === 'failure') {
    faults.push(...details(file, parts.errors));
    return [];
  }
  if (parts.policy_templates.length > 0) {
    // A template that nobody links never applies: a `forbid` written as one would protect nothing.
    faults.push({ message: `${file.path}: templates (?principal, ?resource) are not supported` });
    return [];
  }
  const policies = inFileOrder(parts.policies);
  const actions = new Set<string>();
  for (const policy of policies) {
    const answer = policyToJson(policy);
    if (answer.type === 'success') collectActions(answer.json, actions);
  }
  return [{ ...file, policies, actions }];
}

/** The parser sorts its answer by `policy0`, `policy1`, `policy10`, … as text. */
function inFileOrder(sorted: readonly string[]): readonly string[] {
  const ids = sorted.map((_, index) => `policy${index}`).sort();
  return ids
    .map((id, index) => ({ at: Number(id.slice('policy'.length)), policy: sorted[index] ?? '' }))
    .sort((a, b) => a.at - b.at)
    .map(({ policy }) => policy);
}

function collectActions(node: unknown, actions: Set<string>): void {
  if (typeof node !== 'object' || node === null) return;
  if (
    'type' in node &&
    node.type === `${POLICY_NAMESPACE}::Action` &&
    'id' in node &&
    typeof node.id === 'string'
  ) {
    actions.add(node.id);
  }
  for (const child of Object.values(node)) collectActions(child, actions);
}

function byId(files: readonly ParsedFile[]): ReadonlyMap<string, Policy> {
  return new Map(
    files.flatMap(({ path, policies }) => policies.map((policy, n) => [`${path}#${n}`, policy] as const)),
  );
}

/** One line per fault; the same fault for each kind of caller is told once. */
function details(file: PolicyFile, errors: readonly DetailedError[]): readonly ErrorDetail[] {
  const told = new Map<string, ErrorDetail>();
  for (const error of errors.flatMap(flatten)) {
    const start = error.sourceLocations?.[0]?.start;
    const at = start === undefined ? null : position(file.text, start);
    const text = error.message
      .replace(/^for policy `[^`]*`, /, '')
      .replace(/^failed to parse policies from string: /, '');
    const where = at === null ? file.path : `${file.path}:${at.line}:${at.column}`;
    const message = `${where}: ${text}${error.help === null ? '' : ` (${error.help})`}`;
    const key = message.replaceAll(/ on entity type `Portcullis::\w+`/g, '');
    if (!told.has(key)) told.set(key, at === null ? { message } : { message, locations: [at] });
  }
  return [...told.values()];
}

function flatten(error: DetailedError): readonly DetailedError[] {
  return [error, ...(error.related ?? []).flatMap(flatten)];
}

/** Line and column, from 1, of an offset that the parser counts in bytes of UTF-8. */
function position(text: string, byteOffset: number): { readonly line: number; readonly column: number } {
  const before = new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, byteOffset)).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
