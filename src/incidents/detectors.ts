import { costSpike } from './detectors/cost-spike.ts';
import { credentialStuffing } from './detectors/credential-stuffing.ts';
import { idEnumeration } from './detectors/id-enumeration.ts';
import { refusalBurst } from './detectors/refusal-burst.ts';
import { schemaProbing } from './detectors/schema-probing.ts';
import { sensitiveVolume } from './detectors/sensitive-volume.ts';
import { subgraphErrors } from './detectors/subgraph-errors.ts';
import { tenantIsolation } from './detectors/tenant-isolation.ts';
import { tokenReplay } from './detectors/token-replay.ts';
import type { IncidentRule, Watch, WatchOptions } from './finding.ts';

/** Rules that look at requests; the audit log itself is looked at from time to time. */
export type RequestRule = Exclude<IncidentRule, 'auditTampering'>;

/** Every detector that looks at requests, in the order in which they look. */
export const DETECTORS: readonly (readonly [RequestRule, (options: WatchOptions) => Watch])[] = Object.freeze(
  [
    ['tenantIsolation', tenantIsolation],
    ['credentialStuffing', credentialStuffing],
    ['tokenReplay', tokenReplay],
    ['sensitiveVolume', sensitiveVolume],
    ['idEnumeration', idEnumeration],
    ['refusalBurst', refusalBurst],
    ['schemaProbing', schemaProbing],
    ['costSpike', costSpike],
    ['subgraphErrors', subgraphErrors],
  ],
);
