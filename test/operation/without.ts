import { coerceVariables } from '../../src/operation/variables.ts';
import { compiled, maskOf, understand } from './graph-kit.ts';
import { LIBRARY } from './library-graph.ts';

/** What is left and what is removed for a caller without the scopes named. */
export function without(
  text: string,
  missing: readonly string[],
  given: Readonly<Record<string, unknown>> = {},
) {
  const understood = understand(LIBRARY, text);
  const variables = coerceVariables(compiled(LIBRARY, text), given, LIBRARY);
  const mask = maskOf(understood, variables, (scopes) => scopes.some((scope) => missing.includes(scope)));
  const { text: emitted, removals } = understood.variant(mask);
  return {
    text: emitted?.replaceAll(/\s+/gu, ' ') ?? null,
    removed: removals.map(
      ({ coordinate, path, dynamic }) => `${coordinate} ${path.join('.')}${dynamic ? ' ?' : ''}`,
    ),
  };
}
