/** Which question and answer it is. Units: `at` in milliseconds since the epoch. */
export interface AiBodyOf {
  readonly id: string;
  /** Id of the tenant. */
  readonly tenantId: string;
  readonly at: number;
}

/** What a question and its answer are sealed with: under another id, tenant or time they do not open. */
export function aiBodyContext({ id, tenantId, at }: AiBodyOf): string {
  return JSON.stringify(['portcullis ai body', id, tenantId, new Date(at).toISOString()]);
}
