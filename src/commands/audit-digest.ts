import { text as textOf } from 'node:stream/consumers';
import { defaultAuditKeyPath, readAuditKey } from '../audit/audit-key-store.ts';
import { createAuditSigner } from '../audit/audit-signature.ts';
import { ARGUMENT_KEY_PURPOSE, digestArgument } from '../digest-arguments.ts';
import { GatewayError } from '../errors.ts';

/** What `audit digest` is given on the command line. */
interface DigestOptions {
  readonly dir: string;
  readonly key?: string;
  /** Whose requests are looked for; absent for those of nobody's. */
  readonly tenant?: string;
  /** `Type.field(name:)`. */
  readonly argument: string;
  /** JSON; absent where it comes on standard input. */
  readonly value?: string;
}

/**
 * `portcullis audit digest`: what stands in the audit for a value that is known, so that its uses can be looked for.
 * Throws: CONFIG_INVALID where the value or the key is none, and what the system says of files.
 */
export async function printArgumentDigest(options: DigestOptions): Promise<void> {
  const { dir, key = defaultAuditKeyPath(dir), tenant = null, argument, value } = options;
  const given = parsed(value ?? (await textOf(process.stdin)));
  const digest = digestArgument(given, { tenant, argument }, secretOf(await readAuditKey(key)));
  if (digest === null) throw invalid('the value is so large that the audit has no digest of it');
  process.stdout.write(`${digest}\n`);
}

/** Whoever only verifies has no private key, and must not be able to try values out. */
function secretOf(jwk: unknown): Uint8Array {
  try {
    return createAuditSigner(jwk).secretFor(ARGUMENT_KEY_PURPOSE);
  } catch (cause) {
    throw invalid('digests are made with the private key of the audit (--key), an Ed25519 JWK', cause);
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw invalid('the value must be JSON: a text or an ID in quotation marks, such as "7"', cause);
  }
}

function invalid(message: string, cause?: unknown): GatewayError {
  return new GatewayError('CONFIG_INVALID', { cause, details: [{ message }] });
}
