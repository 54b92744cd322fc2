import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { compilePlainOperation, type PlainOperation } from './plain-operation.ts';

/** An operation that may be executed: what it says was parsed and validated before. */
export interface KeptOperation {
  readonly document: DocumentNode;
  readonly operationName: string | null;
  readonly variableValues: Readonly<Record<string, unknown>>;
  /** Null where it is for the library to execute. */
  readonly plain: PlainOperation | null;
}

/** Documents of a gateway, which are as many as its operations have fetches. */
export interface KeptDocuments {
  /** The operation of a request; null where anything about it is unusual, or is to be refused. */
  operationOf(body: unknown): KeptOperation | null;
}

/** Documents kept; reason: a gateway keeps its operations in the same order of size. */
const DOCUMENTS_MAX = 2_000;
/** Text of all documents together; their trees take some ten times as much. Units: UTF-16 code units. */
const CHARACTERS_MAX = 4_000_000;
/** Text of one document that is kept. Units: UTF-16 code units. */
const DOCUMENT_CHARACTERS_MAX = 100_000;
const RULES = [...specifiedRules, NoSchemaIntrospectionCustomRule];
const NONE = Object.freeze({});

interface KeptDocument {
  readonly document: DocumentNode;
  /** By the names that it has: those that are executed. */
  readonly operations: Map<string | null, PlainOperation | null>;
}

/** Keeps what passes validation by its text; what does not is judged anew each time, by who words its refusal. */
export function createKeptDocuments(schema: GraphQLSchema): KeptDocuments {
  const kept = new LRUCache<string, KeptDocument>({
    ...{ max: DOCUMENTS_MAX, maxSize: CHARACTERS_MAX, maxEntrySize: DOCUMENT_CHARACTERS_MAX },
    sizeCalculation: (_document, text) => text.length,
  });
  const documentOf = (text: string): KeptDocument | null => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    if (text === '' || text.length > DOCUMENT_CHARACTERS_MAX) return null;
    const document = parsed(text);
    if (document === null || validate(schema, document, RULES).length > 0) return null;
    const made = { document, operations: new Map() };
    kept.set(text, made);
    return made;
  };
  return {
    operationOf(body) {
      if (!isObject(body)) return null;
      const { query, variables = null, operationName = null, extensions = null } = body;
      const isPlain =
        typeof query === 'string' && (operationName === null || typeof operationName === 'string');
      if (!isPlain || (variables !== null && !isObject(variables)) || extensions !== null) return null;
      const known = documentOf(query);
      if (known === null) return null;
      const plain = plainOf(schema, known, operationName);
      if (plain === undefined) return null;
      return { document: known.document, operationName, variableValues: variables ?? NONE, plain };
    },
  };
}

function plainOf(
  schema: GraphQLSchema,
  { document, operations }: KeptDocument,
  name: string | null,
): PlainOperation | null | undefined {
  const known = operations.get(name);
  if (known !== undefined) return known;
  const operation = getOperationAST(document, name)?.operation;
  if (operation === undefined || operation === 'subscription') return undefined;
  const plain = compilePlainOperation(schema, document, name);
  operations.set(name, plain);
  return plain;
}

function parsed(text: string): DocumentNode | null {
  try {
    return parse(text);
  } catch (fault) {
    if (fault instanceof GraphQLError) return null;
    throw fault;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
