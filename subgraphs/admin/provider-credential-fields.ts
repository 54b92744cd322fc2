import { SYSTEM_SCOPE } from '../../src/control/actor.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { type SpendArgs, spendOf } from './admin-ai-limits.ts';
import { connection } from './admin-answers.ts';
import { field, type PageArgs, pageOf } from './admin-field.ts';
import { changing, type Keyed, type WithReason } from './changing.ts';

const ADMINISTRATORS = [SYSTEM_SCOPE.admin];

interface CreateArgs extends Keyed {
  readonly tenantId?: string | null;
  readonly provider: string;
  readonly secret: string;
  readonly endpoint?: string | null;
  readonly priority: number;
  readonly weight: number;
  readonly spendCap?: SpendArgs | null;
}

/** Keys of AI providers: they go in, and do not come out. */
export function providerCredentialChanges({ providerCredentials }: ControlPlane) {
  const setStatus = (status: 'active' | 'disabled') =>
    changing(
      'providerCredential',
      ADMINISTRATORS,
      (actor, { credentialId: id, reason }: WithReason<'credentialId'>, idempotencyKey) =>
        providerCredentials.setStatus(actor, { id, status, reason, idempotencyKey }),
    );
  return {
    controlAddProviderCredential: changing(
      'providerCredential',
      ADMINISTRATORS,
      (actor, input: CreateArgs, idempotencyKey) => {
        const { provider, secret, priority, weight, endpoint = null } = input;
        const tenantId = input.tenantId ?? actor.tenantId;
        return providerCredentials.create(actor, {
          ...{ tenantId, provider, secret, endpoint, priority, weight, idempotencyKey },
          spendCap: input.spendCap == null ? null : spendOf('spendCap', input.spendCap),
        });
      },
    ),
    controlRotateProviderCredential: changing(
      'providerCredential',
      ADMINISTRATORS,
      (actor, input: Keyed & { credentialId: string; secret: string }, idempotencyKey) =>
        providerCredentials.rotate(actor, { id: input.credentialId, secret: input.secret, idempotencyKey }),
    ),
    controlSetProviderCredentialSpendCap: changing(
      'providerCredential',
      ADMINISTRATORS,
      (
        actor,
        input: WithReason<'credentialId'> & { readonly spendCap?: SpendArgs | null },
        idempotencyKey,
      ) => {
        const { credentialId: id, reason } = input;
        const spendCap = input.spendCap == null ? null : spendOf('spendCap', input.spendCap);
        return providerCredentials.setSpendCap(actor, { id, spendCap, reason, idempotencyKey });
      },
    ),
    controlDisableProviderCredential: setStatus('disabled'),
    controlEnableProviderCredential: setStatus('active'),
    controlRewrapProviderCredentials: changing('done', ADMINISTRATORS, (actor, _: Keyed, idempotencyKey) =>
      providerCredentials.rewrapAll(actor, { idempotencyKey }),
    ),
  };
}

/** Keys of AI providers as administrators see them, and as the subgraph that opens them does. */
export function providerCredentialQueries({ providerCredentials }: ControlPlane) {
  return {
    providerCredentials: field(
      [SYSTEM_SCOPE.admin, SYSTEM_SCOPE.audit],
      async (actor, { tenantId, ...page }: PageArgs & { tenantId?: string | null }) =>
        connection(
          await providerCredentials.list(actor, { ...pageOf(page), tenantId: tenantId ?? undefined }),
        ),
    ),
    sealedProviderCredentials: field([SYSTEM_SCOPE.models], (actor) => providerCredentials.sealed(actor)),
  };
}
