import { createCipheriv, createDecipheriv } from 'node:crypto';

/** What was sealed does not open: its master key is not known, or it was not sealed like this. Anything else thrown is a fault of the service that wraps. */
export class NotOpenedError extends Error {
  override readonly name = 'NotOpenedError';
}

/** A key management service, or what stands for one: wraps data keys under a master key that never leaves it. */
export interface KeyWrapper {
  /** Wraps under the current master key. */
  wrap(dataKey: Uint8Array): Promise<{ readonly keyId: string; readonly wrapped: string }>;
  /** Throws: NotOpenedError where the master key is not known, or the key was not wrapped by it. */
  unwrap(keyId: string, wrapped: string): Promise<Uint8Array>;
}

/** A secret under a data key of its own, and that under a master key; all in base64url. */
export interface Sealed {
  readonly keyId: string;
  readonly wrappedKey: string;
  readonly sealed: string;
}

/** A key of AES-256. Units: bytes. */
export const MASTER_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
type RandomBytes = (length: number) => Uint8Array;

/** Seals a secret for what `context` says of it: it opens for nothing else. Source: NIST SP 800-38D; RFC 5116. */
export async function seal(
  secret: string,
  context: string,
  { wrapper, randomBytes }: { readonly wrapper: KeyWrapper; readonly randomBytes: RandomBytes },
): Promise<Sealed> {
  const dataKey = randomBytes(MASTER_KEY_BYTES);
  try {
    const sealed = encrypt(Buffer.from(secret, 'utf8'), {
      key: dataKey,
      context,
      nonce: randomBytes(NONCE_BYTES),
    });
    const { keyId, wrapped } = await wrapper.wrap(dataKey);
    return { keyId, wrappedKey: wrapped, sealed };
  } finally {
    dataKey.fill(0);
  }
}

/** Opens what was sealed for this context. Throws: NotOpenedError where it was not, or was changed since; as the wrapper. */
export async function unseal(
  { keyId, wrappedKey, sealed }: Sealed,
  context: string,
  wrapper: Pick<KeyWrapper, 'unwrap'>,
): Promise<string> {
  const dataKey = await wrapper.unwrap(keyId, wrappedKey);
  try {
    return decrypt(sealed, { key: dataKey, context }).toString('utf8');
  } finally {
    dataKey.fill(0);
  }
}

/** The same secret under the current master key; the secret itself is not opened. Throws: as `unseal`. */
export async function rewrap(sealed: Sealed, wrapper: KeyWrapper): Promise<Sealed> {
  const dataKey = await wrapper.unwrap(sealed.keyId, sealed.wrappedKey);
  try {
    const { keyId, wrapped } = await wrapper.wrap(dataKey);
    return { ...sealed, keyId, wrappedKey: wrapped };
  } finally {
    dataKey.fill(0);
  }
}

/** Wraps by master keys of this process. Invariant: the first is the current one; further ones only open. */
export function localKeyWrapper(
  masterKeys: readonly { readonly id: string; readonly key: Uint8Array }[],
  randomBytes: RandomBytes,
): KeyWrapper {
  const byId = new Map(masterKeys.map(({ id, key }) => [id, key]));
  const [current] = masterKeys;
  if (current === undefined) throw new TypeError('a master key is needed');
  return {
    async wrap(dataKey) {
      const { id, key } = current;
      const nonce = randomBytes(NONCE_BYTES);
      return { keyId: id, wrapped: encrypt(dataKey, { key, context: contextOfKey(id), nonce }) };
    },
    async unwrap(keyId, wrapped) {
      const key = byId.get(keyId);
      if (key === undefined) throw new NotOpenedError('the master key is not known');
      return decrypt(wrapped, { key, context: contextOfKey(keyId) });
    },
  };
}

function contextOfKey(id: string): string {
  return JSON.stringify(['portcullis data key', id]);
}

function encrypt(
  plain: Uint8Array,
  { key, context, nonce }: { readonly key: Uint8Array; readonly context: string; readonly nonce: Uint8Array },
): string {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context, 'utf8'));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
}

function decrypt(
  text: string,
  { key, context }: { readonly key: Uint8Array; readonly context: string },
): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new NotOpenedError('what was sealed is too short');
  const [nonce, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(-TAG_BYTES)];
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context, 'utf8'))
    .setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new NotOpenedError('what was sealed is not authentic', { cause });
  }
}
