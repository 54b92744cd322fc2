import { type DirectiveNode, Kind, type ValueNode } from 'graphql';
import type { ErrorDetail } from '../errors.ts';
import { faultAt } from './fault.ts';
import type { Link } from './link.ts';

/** What one `@link` says, as far as it is well formed; the rest is in `faults`. */
export interface LinkArguments {
  readonly url: string | null;
  readonly alias: string | null;
  readonly purpose: Link['purpose'];
  readonly imports: ReadonlyMap<string, string>;
  readonly faults: readonly ErrorDetail[];
}

/** Tells a fault of the application being read. */
type Tell = (message: string) => void;

/** Older compositions linked names with `.` and `-`; such a link can only be used through imports. */
const ALIAS = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const ELEMENT = /^@?[A-Za-z_][A-Za-z0-9_]*$/;
const ARGUMENTS = new Set(['url', 'as', 'for', 'import']);

/** Reads the arguments of one `@link` strictly: what is unknown, given twice or of another type is a fault. */
export function linkArguments(node: DirectiveNode): LinkArguments {
  const faults: ErrorDetail[] = [];
  const tell: Tell = (message) => {
    faults.push(faultAt(node, `@${node.name.value}: ${message}`));
  };
  const values = new Map<string, ValueNode>();
  for (const { name, value } of node.arguments ?? []) {
    if (!ARGUMENTS.has(name.value)) tell(`unknown argument ${name.value}`);
    else if (values.has(name.value)) tell(`the argument ${name.value} is given twice`);
    else if (value.kind !== Kind.NULL) values.set(name.value, value);
  }
  const url = text(values.get('url'), 'url', tell);
  if (!values.has('url')) tell('url is missing');
  const alias = text(values.get('as'), 'as', tell);
  if (alias !== null && !ALIAS.test(alias)) tell('as is not a name');
  return {
    url,
    alias,
    purpose: purpose(values.get('for'), tell),
    imports: imports(values.get('import'), tell),
    faults,
  };
}

function text(value: ValueNode | undefined, what: string, tell: Tell): string | null {
  if (value?.kind === Kind.STRING) return value.value;
  if (value !== undefined) tell(`${what} must be a string`);
  return null;
}

function purpose(value: ValueNode | undefined, tell: Tell): Link['purpose'] {
  if (value === undefined) return null;
  if (value.kind === Kind.ENUM && (value.value === 'SECURITY' || value.value === 'EXECUTION'))
    return value.value;
  tell('for must be SECURITY or EXECUTION');
  return null;
}

function imports(value: ValueNode | undefined, tell: Tell): Map<string, string> {
  const found = new Map<string, string>();
  if (value === undefined) return found;
  if (value.kind !== Kind.LIST) tell('import must be a list');
  for (const item of value.kind === Kind.LIST ? value.values : []) {
    const pair = importOf(item, tell);
    if (pair === null) continue;
    const [element, local] = pair;
    if (!ELEMENT.test(element) || !ELEMENT.test(local)) tell('an import is not a GraphQL name');
    else if (element.startsWith('@') !== local.startsWith('@')) {
      tell(`${element} is imported as ${local}: directives need their @ on both sides`);
    } else if (found.has(element)) tell(`${element} is imported twice`);
    else found.set(element, local);
  }
  return found;
}

/** Element and local name of one import, or null after telling why it is none. */
function importOf(item: ValueNode, tell: Tell): readonly [string, string] | null {
  if (item.kind === Kind.STRING) return [item.value, item.value];
  if (item.kind !== Kind.OBJECT) {
    tell('an import must be a name or {name, as}');
    return null;
  }
  const given = new Map<string, string>();
  for (const { name, value } of item.fields) {
    const part = text(value, `${name.value} of an import`, tell);
    if (name.value !== 'name' && name.value !== 'as') tell(`unknown field ${name.value} in an import`);
    else if (given.has(name.value)) tell(`the field ${name.value} of an import is given twice`);
    else if (part !== null) given.set(name.value, part);
  }
  const element = given.get('name');
  if (element === undefined) {
    tell('an import lacks its name');
    return null;
  }
  return [element, given.get('as') ?? element];
}
