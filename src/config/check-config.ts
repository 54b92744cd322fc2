import type { z } from 'zod';
import { budgetFieldsFaults } from './budget-fields-faults.ts';
import type { ParsedConfig } from './config.ts';
import { configSchema } from './config.ts';
import type { ConfigDocument, Tree } from './config-document.ts';
import type { ConfigFault, KeyPath } from './config-fault.ts';
import { pathKeyOf, printable } from './config-fault.ts';
import { nearestWord, suggestKey } from './key-suggestion.ts';
import type { Substitution } from './placeholders.ts';
import { workerFaults } from './worker-faults.ts';

type Issue = z.core.$ZodIssue;

const TYPE_NAMES: ReadonlyMap<string, string> = new Map([
  ['object', 'a section with keys of its own'],
  ['record', 'a section with keys of its own'],
  ['array', 'a list'],
  ['string', 'text; put it in quotation marks if it looks like a number or a truth value'],
  ['boolean', 'true or false'],
  ['number', 'a number'],
  ['int', 'a whole number'],
]);

/** The value at a path, or undefined where there is none. */
export function valueAt(tree: Tree | undefined, path: KeyPath): Tree | undefined {
  return path.reduce<Tree | undefined>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) {
      return undefined;
    }
    return (value as Readonly<Record<string | number, Tree>>)[step];
  }, tree);
}

function bound(issue: Issue & { code: 'too_small' | 'too_big' }): string {
  const small = issue.code === 'too_small';
  const limit = String(small ? issue.minimum : issue.maximum);
  if (issue.origin === 'string') {
    return small ? 'must not be empty' : `must have at most ${limit} characters`;
  }
  const unit = issue.origin === 'array' ? `${limit === '1' ? 'entry' : 'entries'}` : '';
  return `must ${unit === '' ? 'be' : 'have'} at ${small ? 'least' : 'most'} ${limit} ${unit}`.trim();
}

function mistype(expected: string, value: Tree | undefined): string {
  if (value === undefined) {
    return 'is required';
  }
  if (value === null) {
    return 'has no value: give it one or remove the key';
  }
  return `must be ${TYPE_NAMES.get(expected) ?? expected}`;
}

/** Our own words for an issue. Only refinements of this project carry text of their own, and none holds a value. */
function describe(issue: Issue, tree: Tree): string {
  switch (issue.code) {
    case 'invalid_type':
      return mistype(issue.expected, valueAt(tree, issue.path as KeyPath));
    case 'too_small':
    case 'too_big':
      return bound(issue);
    case 'invalid_value':
      return issue.message.startsWith('Invalid ')
        ? `must be one of ${issue.values.map(String).join(', ')}`
        : issue.message;
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'is not a name accepted here';
    case 'invalid_format':
    case 'custom':
      return issue.message;
    default:
      return 'is not accepted here';
  }
}

/** False for what would be said twice: of a value that could not be filled in, and of safe integers beside a bound. */
function isTold(issue: Issue, failed: ReadonlySet<string>): boolean {
  const isSafeIntegerBound =
    (issue.code === 'too_big' || issue.code === 'too_small') && issue.origin === 'int';
  return !isSafeIntegerBound && !failed.has(pathKeyOf(issue.path as KeyPath));
}

function faultsOf(issue: Issue, tree: Tree, document: ConfigDocument): ConfigFault[] {
  const path = issue.path as KeyPath;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      position: document.locateKey([...path, key]),
      message: `unknown key; ${suggestKey(path, key)}`,
    }));
  }
  const position = issue.code === 'invalid_key' ? document.locateKey(path) : document.locate(path);
  return [{ path, position, message: describe(issue, tree) }];
}

function fromText(expected: string, text: string): number | boolean | undefined {
  if (expected === 'boolean') {
    return text === 'true' ? true : text === 'false' ? false : undefined;
  }
  const isNumber = (expected === 'number' || expected === 'int') && /^-?\d{1,16}$/.test(text);
  return isNumber ? Number(text) : undefined;
}

function replaceAt(tree: Tree, path: KeyPath, value: Tree): Tree {
  const [step, ...rest] = path;
  if (step === undefined || typeof tree !== 'object' || tree === null) {
    return value;
  }
  if (Array.isArray(tree)) {
    return tree.map((item: Tree, index) => (index === step ? replaceAt(item, rest, value) : item));
  }
  const copy: Record<string, Tree> = Object.assign(Object.create(null), tree);
  copy[step] = replaceAt(copy[step] ?? null, rest, value);
  return copy;
}

/** Environment variables are text: one that stands for a number or a truth value is read as such. */
function coerce(substitution: Substitution): Tree {
  const first = configSchema.safeParse(substitution.tree);
  return (first.error?.issues ?? []).reduce<Tree>((tree, issue) => {
    const path = issue.path as KeyPath;
    const text = valueAt(tree, path);
    if (issue.code !== 'invalid_type' || typeof text !== 'string') {
      return tree;
    }
    const value = substitution.substituted.has(pathKeyOf(path)) ? fromText(issue.expected, text) : undefined;
    return value === undefined ? tree : replaceAt(tree, path, value);
  }, substitution.tree);
}

/** Settings for a subgraph that the graph does not have protect nothing: most likely the name is misspelt. */
function unknownSubgraphs(tree: Tree, document: ConfigDocument, section: KeyPath): ConfigFault[] {
  const listed = valueAt(tree, ['supergraph', 'subgraphs']);
  const settings = valueAt(tree, section);
  if (!Array.isArray(listed) || typeof settings !== 'object' || settings === null) {
    return [];
  }
  const names = listed
    .map((entry: Tree) => valueAt(entry, ['name']))
    .filter((name) => typeof name === 'string');
  return Object.keys(settings)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const near = nearestWord(name, names);
      const path = [...section, name];
      const hint = near === null ? '' : `; did you mean ${printable(near)}?`;
      return {
        path,
        position: document.locateKey(path),
        message: `supergraph.subgraphs has no such name${hint}`,
      };
    });
}

/** The cost in one subgraph is read from the plan, which the reference executor keeps to itself. */
function costsWithoutPlan(tree: Tree, document: ConfigDocument): ConfigFault[] {
  const path = ['cost', 'perSubgraph'];
  const limits = valueAt(tree, path);
  const isGiven = typeof limits === 'object' && limits !== null && Object.keys(limits).length > 0;
  if (!isGiven || valueAt(tree, ['execution', 'engine']) !== 'apollo') return [];
  const message = 'needs execution.engine: native; the other engine keeps its plans to itself';
  return [{ path, position: document.locateKey(path), message }];
}

/** A document after validation: the configuration where it has no faults, and the values as read in any case. */
export interface CheckedConfig {
  readonly config: ParsedConfig | null;
  readonly tree: Tree;
  readonly faults: readonly ConfigFault[];
}

/** Holds the filled-in document against the schema; every fault is told, not only the first. */
export function checkConfig(document: ConfigDocument, substitution: Substitution): CheckedConfig {
  const tree = coerce(substitution);
  const result = configSchema.safeParse(tree);
  const faults = (result.error?.issues ?? [])
    .filter((issue) => isTold(issue, substitution.failed))
    .flatMap((issue) => faultsOf(issue, tree, document));
  const unique = new Map(faults.map((fault) => [`${pathKeyOf(fault.path)} ${fault.message}`, fault]));
  return {
    config: result.data ?? null,
    tree,
    faults: [
      ...unique.values(),
      ...unknownSubgraphs(tree, document, ['subgraphs']),
      ...unknownSubgraphs(tree, document, ['cost', 'perSubgraph']),
      ...costsWithoutPlan(tree, document),
      ...budgetFieldsFaults(result.data ?? null, document),
      ...workerFaults(result.data ?? null, document),
    ],
  };
}
