/**
 * Which addresses are out in the open: everything but what IANA's special-purpose registries (RFC 6890 and its successors) set aside,
 * and the clouds' own inner services. A server that posts to an address somebody wrote down must not become a way into its own network.
 */
import { BlockList, isIP } from "node:net";

const SPECIAL_4: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8], // this host
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // carrier-grade NAT
  ["127.0.0.0", 8],
  ["168.63.129.16", 32], // inner service of a cloud, at a public number
  ["169.254.0.0", 16], // link-local: metadata services among them
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // relays
  ["192.168.0.0", 16],
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, broadcast
];
/** Of 2000::/3; whatever lies outside of it is special: loopback, mapped IPv4, unique local, link-local, multicast. */
const SPECIAL_6: readonly (readonly [network: string, prefix: number])[] = [
  ["2001::", 23], // protocols: Teredo among them, which carries an IPv4 address
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4 carries one too
  ["3fff::", 20],
];

const special = new BlockList();
for (const [network, prefix] of SPECIAL_4) special.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of SPECIAL_6) special.addSubnet(network, prefix, "ipv6");
const global6 = new BlockList();
global6.addSubnet("2000::", 3, "ipv6");

/** `address`: an IP address as text; what is none is not public. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !special.check(address, "ipv4");
  return isIP(address) === 6 && global6.check(address, "ipv6") && !special.check(address, "ipv6");
}
