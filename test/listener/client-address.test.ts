import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientAddress } from '../../src/listener/client-address.ts';

describe('the address of a client', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['1.2.3.4:50123', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::FFFF:102:304', '1.2.3.4'],
    ['[::ffff:1.2.3.4]:443', '1.2.3.4'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8::1', '2001:db8::1'],
    ['[2001:db8::1]:50123', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['::1', '::1'],
  ])('%s is counted as %s', (text, address) => {
    expect(clientAddress(text)).toBe(address);
  });

  it.each([
    '',
    'unknown',
    'fe80::1%eth0',
    '1.2.3.4:999999',
    '1.2.3:80',
    '[::1]evil:80',
    '::1]/x?[',
    ':::',
    '_hidden:80',
    `${'a:'.repeat(5000)}`,
  ])('is left as it is where it is none: %j', (text) => {
    expect(clientAddress(text)).toBe(text);
  });

  it('is the same when it is read again, and never fails', () => {
    const words = fc.array(fc.constantFrom(':', '::', 'ffff', '1', '.', '[', ']', '255', '%', '@', '/', 'x'));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          fc.string(),
          words.map((parts) => parts.join('')),
        ),
        (text) => {
          const address = clientAddress(text);
          expect(clientAddress(address)).toBe(address);
        },
      ),
    );
  });

  it('has one form for each IPv4 address, however it is told', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(65_535), (address, port) => {
        for (const text of [`${address}:${port}`, `::ffff:${address}`, `[::FFFF:${address}]:${port}`])
          expect(clientAddress(text)).toBe(address);
      }),
    );
  });
});
