import { executeSync, type GraphQLSchema, isInputObjectType, parse, typeFromAST } from 'graphql';
import { GatewayError } from '../errors.ts';
import { validatedDocument } from './compile.ts';
import { inputTypes } from './input-nodes.ts';
import type { OperationLimits } from './operation.ts';

/** What a worker needs to judge by a view. */
export interface ViewContext {
  /** What clients see. */
  readonly schema: GraphQLSchema;
  /** What the caller may know of it. */
  readonly view: GraphQLSchema | null;
  readonly limits: OperationLimits;
}

/**
 * Holds a document to what its caller may know, and tells which input fields its variables must not have.
 * Throws: VIEW_EMPTY, and as `validatedDocument` on the view alone: what is hidden is refused as what does not exist.
 */
export function checkOnView(
  text: string,
  operationName: string | null,
  { schema, view, limits }: ViewContext,
): readonly string[] {
  if (view === null) throw new GatewayError('VIEW_EMPTY');
  const { operation } = validatedDocument(text, operationName, { schema: view, limits });
  const hidden = new Set<string>();
  for (const { type: node } of operation.variableDefinitions ?? []) {
    const type = typeFromAST(schema, node);
    if (type === undefined || !('name' in type || 'ofType' in type)) continue;
    for (const input of inputTypes(type as Parameters<typeof inputTypes>[0])) {
      if (!isInputObjectType(input)) continue;
      const seen = view.getType(input.name);
      for (const name of Object.keys(input.getFields())) {
        if (!isInputObjectType(seen) || seen.getFields()[name] === undefined) {
          hidden.add(`${input.name}.${name}`);
        }
      }
    }
  }
  return [...hidden];
}

/** Answers introspection from a view. Throws: VIEW_EMPTY. */
export function introspectView(
  document: string,
  variables: Readonly<Record<string, unknown>>,
  view: GraphQLSchema | null,
): Readonly<Record<string, unknown>> {
  if (view === null) throw new GatewayError('VIEW_EMPTY');
  const { data } = executeSync({
    schema: view,
    document: parse(document, { noLocation: true }),
    variableValues: variables,
  });
  return data ?? {};
}
