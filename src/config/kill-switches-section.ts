import { z } from 'zod';
import { switchKey } from './config-keys.ts';
import { subgraphName } from './supergraph-section.ts';

/** Reason: it is for the few things that are not to be reached at present, not for rules. */
const SWITCHES_MAX = 256;

/** What is switched off as long as the gateway runs. */
export const killSwitchesSection = z.strictObject({
  mutations: switchKey(false, 'Switches all mutations off, but for those that administer the gateway.'),
  operations: z
    .array(
      z
        .string()
        .regex(
          /^(?:[0-9a-f]{64}|[_A-Za-z][_0-9A-Za-z]{0,255})$/u,
          'must be the hash of an operation as the audit has it, or a name',
        ),
    )
    .max(SWITCHES_MAX)
    .default([])
    .describe('Operations by the hash that the audit tells, or by name. A client chooses its names freely.'),
  fields: z
    .array(
      z
        .string()
        .max(512)
        .regex(
          /^[_A-Za-z]\w*(?:\.[_A-Za-z]\w*)?$/u,
          'must be a type or a field, such as Product or Query.product',
        ),
    )
    .max(SWITCHES_MAX)
    .default([])
    .describe('Fields, or types with all their fields: refused as authorization.mode says.'),
  subgraphs: z
    .array(subgraphName)
    .max(SWITCHES_MAX)
    .default([])
    .describe('Subgraphs that are not asked; what others answer still arrives.'),
});
