import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localKeyWrapper, rewrap, seal, unseal } from '../../src/control/envelope.ts';
import { sealedContext } from '../../src/control/sealed-context.ts';

const OLD = { id: 'old', key: Buffer.alloc(32, 1) };
const NEW = { id: 'new', key: Buffer.alloc(32, 2) };
const wrapper = localKeyWrapper([OLD], randomBytes);
const SECRET = 'sk-very-secret-key';
const OWNER = { id: 'pvc_1', tenant: 'acme', provider: 'openai', endpoint: null };
const CONTEXT = sealedContext(OWNER);
const sealing = () => seal(SECRET, CONTEXT, { wrapper, randomBytes });

/** The text with one bit of its bytes turned. */
function turned(text: string, bit: number): string {
  const bytes = Buffer.from(text, 'base64url');
  const at = (bit >> 3) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
  return bytes.toString('base64url');
}

describe('an envelope', () => {
  it('opens for what it was sealed for, and tells nothing of what is in it', async () => {
    const sealed = await sealing();
    expect(await unseal(sealed, CONTEXT, wrapper)).toBe(SECRET);
    const text = Buffer.concat(
      [sealed.sealed, sealed.wrappedKey].map((part) => Buffer.from(part, 'base64url')),
    );
    expect(text.includes(SECRET)).toBe(false);
    expect(sealed.keyId).toBe('old');
  });

  it('is another one each time', async () => {
    const [one, other] = [await sealing(), await sealing()];
    expect(one.sealed).not.toBe(other.sealed);
    expect(one.wrappedKey).not.toBe(other.wrappedKey);
  });

  it.each([
    ['another tenant', { ...OWNER, tenant: 'globex' }],
    ['no tenant', { ...OWNER, tenant: null }],
    ['another provider', { ...OWNER, provider: 'mistral' }],
    ['another endpoint', { ...OWNER, endpoint: 'https://evil.example.com' }],
    ['another id', { ...OWNER, id: 'pvc_2' }],
  ])('does not open for %s', async (_, owner) => {
    await expect(unseal(await sealing(), sealedContext(owner), wrapper)).rejects.toThrow();
  });

  it('does not open by another master key, under another name, or cut off', async () => {
    const sealed = await sealing();
    const impostor = localKeyWrapper([{ ...NEW, id: 'old' }], randomBytes);
    await expect(unseal(sealed, CONTEXT, impostor)).rejects.toThrow();
    const renamed = localKeyWrapper([{ ...OLD, id: 'new' }], randomBytes);
    await expect(unseal({ ...sealed, keyId: 'new' }, CONTEXT, renamed)).rejects.toThrow();
    for (const part of ['sealed', 'wrappedKey'] as const)
      await expect(
        unseal({ ...sealed, [part]: sealed[part].slice(0, 30) }, CONTEXT, wrapper),
      ).rejects.toThrow();
  });

  it('does not open with any bit of it turned', async () => {
    const sealed = await sealing();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('sealed', 'wrappedKey'), fc.nat(4096), async (part, bit) => {
        const changed = { ...sealed, [part]: turned(sealed[part], bit) };
        await expect(unseal(changed, CONTEXT, wrapper)).rejects.toThrow();
      }),
      { numRuns: 200 },
    );
  });

  it('moves to a new master key without being opened, and then needs no other', async () => {
    const both = localKeyWrapper([NEW, OLD], randomBytes);
    const sealed = await sealing();
    expect(await unseal(sealed, CONTEXT, both)).toBe(SECRET);
    const moved = await rewrap(sealed, both);
    expect([moved.keyId, moved.sealed]).toEqual(['new', sealed.sealed]);
    expect(await unseal(moved, CONTEXT, localKeyWrapper([NEW], randomBytes))).toBe(SECRET);
    await expect(unseal(moved, CONTEXT, wrapper)).rejects.toThrow();
  });
});
