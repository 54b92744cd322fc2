import { BlockList, isIP } from 'node:net';

/** What an address is to who calls it. */
export type AddressKind = 'public' | 'private' | 'metadata';

const INTERNAL: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];
/** Where clouds tell machines who they are. */
const METADATA: readonly (readonly [network: string, prefix: number])[] = [
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['fe80::', 10],
  ['fd00:ec2::254', 128],
];

const internal = blockList(INTERNAL);
const metadata = blockList(METADATA);
const global6 = blockList([['2000::', 3]]);
const mapped4 = blockList([['::ffff:0:0', 96]]);

/**
 * The kind of an IP address; what is no address is not public either.
 * Source: IANA special-purpose address registries; IPv6 is public inside 2000::/3 only.
 */
export function kindOfAddress(address: string): AddressKind {
  switch (isIP(address)) {
    case 4:
      if (metadata.check(address, 'ipv4')) return 'metadata';
      return internal.check(address, 'ipv4') ? 'private' : 'public';
    case 6:
      if (mapped4.check(address, 'ipv6')) return kindOfAddress(embedded4(address));
      if (metadata.check(address, 'ipv6')) return 'metadata';
      return global6.check(address, 'ipv6') && !internal.check(address, 'ipv6') ? 'public' : 'private';
    default:
      return 'private';
  }
}

/** The IPv4 address in an IPv6 one, in either of its forms. */
function embedded4(address: string): string {
  const last = address.slice(address.lastIndexOf(':') + 1);
  if (last.includes('.')) return last;
  const { hostname } = new URL(`http://[${address}]`);
  const [high = '0', low = '0'] = hostname.slice(1, -1).split(':').slice(-2);
  const [one, other] = [Number.parseInt(high || '0', 16), Number.parseInt(low, 16)];
  return [one >> 8, one & 255, other >> 8, other & 255].join('.');
}

function blockList(networks: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks)
    list.addSubnet(network, prefix, isIP(network) === 4 ? 'ipv4' : 'ipv6');
  return list;
}
