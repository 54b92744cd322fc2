import {
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  typeFromAST,
} from 'graphql';
import type { CompiledOperation } from './operation.ts';

/** No input field can be called this: coercion refuses it where it finds it. */
const UNKNOWN_NAME = '\0';

/**
 * Gives values of variables with each field that the caller may not know under a name that does not exist, so that
 * coercion treats it like every other that does not.
 */
export function hideInputs(
  { variableDefinitions }: Pick<CompiledOperation, 'variableDefinitions'>,
  given: Readonly<Record<string, unknown>>,
  { schema, hidden }: { readonly schema: GraphQLSchema; readonly hidden: ReadonlySet<string> },
): Readonly<Record<string, unknown>> {
  const shown: Record<string, unknown> = Object.assign(Object.create(null), given);
  for (const { variable, type: node } of variableDefinitions) {
    const type = typeFromAST(schema, node);
    const name = variable.name.value;
    if (isInputType(type) && Object.hasOwn(given, name)) shown[name] = hide(given[name], type, hidden);
  }
  return shown;
}

function hide(value: unknown, type: GraphQLInputType, hidden: ReadonlySet<string>): unknown {
  if (isNonNullType(type)) return hide(value, type.ofType, hidden);
  if (isListType(type)) {
    return Array.isArray(value)
      ? value.map((item) => hide(item, type.ofType, hidden))
      : hide(value, type.ofType, hidden);
  }
  if (!isInputObjectType(type) || typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  const fields = type.getFields();
  const shown: Record<string, unknown> = Object.create(null);
  for (const [name, item] of Object.entries(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) shown[name] = item;
    else if (hidden.has(`${type.name}.${name}`)) shown[UNKNOWN_NAME + name] = item;
    else shown[name] = hide(item, field.type, hidden);
  }
  return shown;
}
