import { type ASTNode, getLocation } from 'graphql';
import type { ErrorDetail } from '../errors.ts';

/** A fault of the SDL at a node of it, with the line where the node was parsed from. */
export function faultAt(node: ASTNode, message: string): ErrorDetail {
  if (node.loc === undefined) return { message };
  const { line, column } = getLocation(node.loc.source, node.loc.start);
  return { message, locations: [{ line, column }] };
}
