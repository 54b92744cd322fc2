import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import {
  type ASTVisitor,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  specifiedRules,
  type ValidationContext,
  type ValidationRule,
  validate,
} from 'graphql';
import { type ErrorDetail, GatewayError } from '../errors.ts';
import { DeferLabelsRule } from './defer-labels.ts';
import type { OperationLimits } from './operation.ts';
import { PRINCIPAL_VARIABLE_PREFIX } from './reserved-names.ts';

/** Reason: each error costs time to make and bytes to send; who has ten to mend needs no more. */
const ERRORS_MAX = 10;

/** Directives of an expanded operation may be this many times what the document may hold. */
const EXPANDED_DIRECTIVES_FACTOR = 10;

/**
 * Refuses aliases that begin with two underscores: the specification reserves such names, and the gateway reads
 * `__typename` of an answer as the type's name.
 */
export function ReservedAliasesRule(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      const alias = node.alias?.value;
      if (alias?.startsWith('__') && alias !== node.name.value) {
        context.reportError(new GraphQLError('Aliases must not begin with "__".', { nodes: node }));
      }
    },
  };
}

/** Refuses variables named like those that carry what is known of the principal: those come from the gateway alone. */
export function ReservedVariablesRule(context: ValidationContext): ASTVisitor {
  return {
    VariableDefinition(node) {
      if (!node.variable.name.value.startsWith(PRINCIPAL_VARIABLE_PREFIX)) return;
      const message = `Variables must not begin with "${PRINCIPAL_VARIABLE_PREFIX}".`;
      context.reportError(new GraphQLError(message, { nodes: node }));
    },
  };
}

/**
 * Validates a document whose size has been limited already.
 * Throws: GRAPHQL_VALIDATION_FAILED with the errors, suggestions blocked; MAX_DIRECTIVES_LIMIT.
 */
export function validateDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
  limits: OperationLimits,
): void {
  let tooManyDirectives = false;
  const directives = maxDirectivesRule({
    n: limits.directives * EXPANDED_DIRECTIVES_FACTOR,
    propagateOnRejection: false,
    onReject: [
      () => {
        tooManyDirectives = true;
      },
    ],
  });
  const rules: readonly ValidationRule[] = [
    ...specifiedRules,
    ReservedAliasesRule,
    ReservedVariablesRule,
    DeferLabelsRule,
    directives as unknown as ValidationRule,
  ];
  const errors = validate(schema, document, rules, { maxErrors: ERRORS_MAX });
  if (tooManyDirectives) throw new GatewayError('MAX_DIRECTIVES_LIMIT');
  if (errors.length > 0) {
    throw new GatewayError('GRAPHQL_VALIDATION_FAILED', {
      details: errors.map((error) => detailOf(withoutSuggestion(error))),
    });
  }
}

/** What of a GraphQL error a client may see: its text and where in its own document. */
export function detailOf(error: GraphQLError): ErrorDetail {
  return error.locations === undefined
    ? { message: error.message }
    : { message: error.message, locations: error.locations.map(({ line, column }) => ({ line, column })) };
}

/** Armor's own mask leaves suggestions of more than one name half shown, so the whole sentence goes. */
function withoutSuggestion(error: GraphQLError): GraphQLError {
  return new GraphQLError(error.message.replace(/ ?Did you mean .+$/su, ''), { nodes: error.nodes ?? null });
}
