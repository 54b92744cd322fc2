import { createHmac, randomBytes } from 'node:crypto';
import { readConfig } from '../config/config-source.ts';
import { GatewayError } from '../errors.ts';

/** What `api-key` is given on the command line. */
export interface ApiKeyOptions {
  readonly config: string;
  readonly tenant: string;
  readonly application: string;
  readonly subject: string;
  readonly scopes?: readonly string[];
  readonly roles?: readonly string[];
  readonly expires?: string;
}

const PREFIX_BYTES = 8;
const SECRET_BYTES = 32;

/** `portcullis api-key`: makes a key for the configuration, and shows it once. Throws: CONFIG_INVALID. */
export async function makeApiKey(options: ApiKeyOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { identity } = await readConfig(options.config, environment);
  if (identity.apiKeys === undefined)
    throw invalid(
      'identity.apiKeys is missing: give it a pepper of 32 characters or more, best from the environment',
    );
  const { tenant, application, subject, scopes = [], roles = [], expires } = options;
  const prefix = randomBytes(PREFIX_BYTES).toString('hex');
  const key = `pk_${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  const hash = createHmac('sha256', Buffer.from(identity.apiKeys.pepper, 'utf8'))
    .update(key)
    .digest('base64url');
  const entry = {
    ...{ prefix, hash, tenant, application, subject, scopes, roles },
    ...(expires === undefined ? {} : { expiresAt: timeOf(expires) }),
  };
  process.stdout.write(`${key}\n`);
  process.stderr.write(
    `The key is shown this once. Add this to identity.apiKeys.keys:\n- ${JSON.stringify(entry)}\n`,
  );
}

function timeOf(text: string): string {
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) throw invalid('--expires must be a time such as 2027-01-31T00:00:00Z');
  if (ms <= Date.now()) throw invalid('--expires has passed');
  return new Date(ms).toISOString();
}

function invalid(message: string): GatewayError {
  return new GatewayError('CONFIG_INVALID', { details: [{ message }] });
}
