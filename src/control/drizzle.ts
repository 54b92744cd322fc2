import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

// Its CommonJS build: for each of its hundred ES modules Node reads the list of what the package exports again, which takes
// as long as all else that a gateway with a control plane loads.
const orm: typeof import('drizzle-orm') = require('drizzle-orm');
const columns: typeof import('drizzle-orm/pg-core') = require('drizzle-orm/pg-core');
const driver: typeof import('drizzle-orm/node-postgres') = require('drizzle-orm/node-postgres');

/** What is used of the library, as it is documented there. */
export const { and, asc, desc, eq, getTableColumns, gt, inArray, isNotNull, isNull, lt, lte, ne, or, sql } =
  orm;
export const { bigint, boolean, customType, integer, jsonb, pgTable, text } = columns;
export const { drizzle } = driver;
