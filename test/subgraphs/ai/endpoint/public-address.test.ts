import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOfAddress } from '../../../../subgraphs/ai/endpoint/public-address.ts';

describe('the kind of an address', () => {
  it.each([
    ...[
      '8.8.8.8',
      '1.1.1.1',
      '100.63.255.255',
      '100.128.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.255.255',
    ],
    ...[
      '223.255.255.255',
      '2606:4700:4700::1111',
      '2a00:1450:4001:80b::200e',
      '::ffff:8.8.8.8',
      '::ffff:808:808',
    ],
  ])('of %s is public', (address) => {
    expect(kindOfAddress(address)).toBe('public');
  });

  it.each([
    ...['0.0.0.0', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.255.255.254', '172.16.0.1', '172.31.255.255'],
    ...['192.168.1.1', '192.0.2.1', '198.18.0.1', '203.0.113.9', '224.0.0.1', '255.255.255.255', '::', '::1'],
    ...[
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:10.1.2.3',
      '::ffff:0.0.0.0',
      '::ffff:0:1',
      'fc00::1',
      'fdff::1',
    ],
    ...['ff02::1', '2001:db8::1', '2002:7f00:1::', '64:ff9b::7f00:1', 'fec0::1', '100::1', '3fff::1'],
    ...['', 'localhost', '127.1', '0x7f000001', '2130706433'],
  ])('of %s is private', (address) => {
    expect(kindOfAddress(address)).toBe('private');
  });

  it.each([
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    'fe80::1',
    'fd00:ec2::254',
    '100.100.100.200',
  ])('of %s is that of metadata', (address) => {
    expect(kindOfAddress(address)).toBe('metadata');
  });

  it('is the same in every way of writing an IPv4 address in IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const groups = [a * 256 + b, c * 256 + d].map((group) => group.toString(16));
        for (const written of [`::ffff:${address}`, `::ffff:${groups.join(':')}`])
          expect([written, kindOfAddress(written)]).toEqual([written, kindOfAddress(address)]);
      }),
    );
  });
});
