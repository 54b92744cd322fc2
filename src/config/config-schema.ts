import { z } from 'zod';
import { configSchema } from './config.ts';

/** The part of JSON Schema that the configuration's schema uses. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | false;
  readonly items?: SchemaNode;
}

/** Drawn once: a faulty file asks for it at each of its faults. */
let drawn: SchemaNode | null = null;

/** JSON Schema of the configuration file, for editors and for the reference. */
export function configJsonSchema(): SchemaNode {
  drawn ??= {
    title: 'Portcullis configuration',
    ...z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }),
  } as SchemaNode;
  return drawn;
}
