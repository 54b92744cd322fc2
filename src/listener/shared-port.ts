/**
 * Whether several processes can listen on one port, each on a socket of its own among which the system divides connections.
 * Elsewhere workers share one socket, and the busiest hour falls on few of them.
 */
export function sharesPort(): boolean {
  return process.platform === 'linux' || process.platform === 'freebsd';
}
