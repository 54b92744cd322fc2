import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  type SelectionSetNode,
  Source,
  TokenKind,
  visit,
} from 'graphql';
import { GatewayError } from '../errors.ts';

/** Sizes that add up without expanding the operation. */
export interface AdditiveMeasures {
  readonly depth: number;
  readonly aliases: number;
  readonly rootFields: number;
  readonly selections: number;
}

/** Where counting stops: far above any limit, far below what a number holds exactly. */
const SATURATION = 1_000_000_000;

const add = (a: number, b: number): number => Math.min(a + b, SATURATION);

/**
 * Deepest value or type that a document may write: as deep as JSON may be in a request.
 * Reason: what the workers find out crosses threads, and a deeper tree is lost on the way.
 */
export const LITERAL_DEPTH_MAX = 64;

/**
 * Counts lexical tokens, giving up at `max + 1`.
 * Throws: OPERATION_TOO_COMPLEX for values or types that nest too deep; the lexer's GraphQLError on text that has none.
 */
export function countTokens(text: string, max: number): number {
  const lexer = new Lexer(new Source(text));
  let [count, parens, depth] = [0, 0, 0];
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    count += 1;
    if (count > max) return count;
    if (kind === TokenKind.PAREN_L) parens += 1;
    else if (kind === TokenKind.PAREN_R) parens -= 1;
    else if (parens > 0 && (kind === TokenKind.BRACKET_L || kind === TokenKind.BRACE_L)) depth += 1;
    else if (parens > 0 && (kind === TokenKind.BRACKET_R || kind === TokenKind.BRACE_R)) depth -= 1;
    if (depth > LITERAL_DEPTH_MAX) throw new GatewayError('OPERATION_TOO_COMPLEX');
  }
  return count;
}

/** Counts the directives written anywhere in a document, unused fragments included. */
export function countDirectives(document: DocumentNode): number {
  let count = 0;
  visit(document, {
    Directive: () => {
      count += 1;
    },
  });
  return count;
}

/**
 * Measures an operation as if every fragment were expanded, in time linear in its text.
 * Source: a kilobyte of nested fragments expands to millions of selections.
 */
export function measureOperation(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): AdditiveMeasures {
  const known = new Map<string, AdditiveMeasures>();
  const open = new Set<string>();

  const ofFragment = (name: string): AdditiveMeasures => {
    const cached = known.get(name);
    if (cached !== undefined) return cached;
    const fragment = fragments.get(name);
    // Validation reports unknown fragments and cycles; here they only must not loop.
    if (fragment === undefined || open.has(name))
      return { depth: 0, aliases: 0, rootFields: 0, selections: 0 };
    open.add(name);
    const measures = ofSelectionSet(fragment.selectionSet);
    open.delete(name);
    known.set(name, measures);
    return measures;
  };

  const ofSelectionSet = (set: SelectionSetNode): AdditiveMeasures => {
    let [depth, aliases, rootFields, selections] = [0, 0, 0, 0];
    for (const selection of set.selections) {
      selections = add(selections, 1);
      if (selection.kind === Kind.FIELD) {
        const below = selection.selectionSet === undefined ? null : ofSelectionSet(selection.selectionSet);
        rootFields = add(rootFields, 1);
        depth = Math.max(depth, add(1, below?.depth ?? 0));
        aliases = add(aliases, (selection.alias === undefined ? 0 : 1) + (below?.aliases ?? 0));
        selections = add(selections, below?.selections ?? 0);
        continue;
      }
      const inner =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? ofFragment(selection.name.value)
          : ofSelectionSet(selection.selectionSet);
      depth = Math.max(depth, inner.depth);
      aliases = add(aliases, inner.aliases);
      rootFields = add(rootFields, inner.rootFields);
      selections = add(selections, inner.selections);
    }
    return { depth, aliases, rootFields, selections };
  };

  return ofSelectionSet(operation.selectionSet);
}

/** True for the errors that the lexer and parser throw on malformed text. */
export function isSyntaxError(error: unknown): error is GraphQLError {
  return error instanceof Error && error.name === 'GraphQLError';
}
