import { BlockList, isIP, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

/** Says whether something that configuration named may be called. */
export interface AddressPolicy {
  /** @param address an IP address @returns why it may not be called; undefined when it may */
  refusal(address: string): string | undefined;
}

const NEVER: readonly (readonly [network: string, what: string])[] = [
  ["127.0.0.0/8", "a loopback address"],
  ["::1/128", "a loopback address"],
  ["0.0.0.0/8", "an address of this machine"],
  ["::/128", "an address of this machine"],
  ["169.254.0.0/16", "a link-local address"],
  ["fe80::/10", "a link-local address"],
  ["fec0::/10", "a link-local address"],
  ["fd00:ec2::/32", "an address of a cloud's metadata"],
  ["224.0.0.0/4", "a multicast address"],
  ["ff00::/8", "a multicast address"],
  ["240.0.0.0/4", "a reserved address"],
  ["2001::/32", "an address of a tunnel"],
];

/**
 * Makes the policy for addresses that configuration names: all but those of this machine, of its link and of nobody. An IPv6 address
 * that stands for an IPv4 one counts as that.
 * @param allowed networks that may be called all the same, `10.0.0.0/8` or an address
 * @throws TypeError for a text that is not a network
 */
export function createAddressPolicy(allowed: readonly string[] = []): AddressPolicy {
  const exempt = new BlockList();
  for (const each of allowed) addNetwork(exempt, each);
  const refused = NEVER.map(([network, what]) => {
    const list = new BlockList();
    addNetwork(list, network);
    return { list, what };
  });
  const isIn = (list: BlockList, address: string): boolean => list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  return {
    refusal(text) {
      const address = embeddedIPv4(text) ?? text.replace(/%.*$/, "");
      if (isIP(address) === 0) return `"${text}" is not an IP address`;
      if (isIn(exempt, address)) return undefined;
      const found = refused.find(({ list }) => isIn(list, address));
      if (found) return `${text} is ${found.what}`;
      // What listens on all addresses of this machine is meant for others, but not for its own services.
      const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
      return own.some((each) => each.address.replace(/%.*$/, "") === address)
        ? `${text} is an address of this machine`
        : undefined;
    },
  };
}

/** What is wrong with the text of a network; undefined when nothing is. */
export function networkSyntaxError(text: string): string | undefined {
  try {
    addNetwork(new BlockList(), text);
    return undefined;
  } catch {
    return `"${text}" is not a network; write for example 10.0.0.0/8 or 192.0.2.1`;
  }
}

function addNetwork(list: BlockList, text: string): void {
  const [, address = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? [];
  const family = isIP(address);
  if (family === 0) throw new TypeError(`"${text}" is not a network`);
  list.addSubnet(address, length === undefined ? (family === 4 ? 32 : 128) : Number(length), `ipv${family as 4 | 6}`);
}

/** The IPv4 address in an IPv6 one: mapped, compatible, of NAT64 or of 6to4. */
function embeddedIPv4(text: string): string | undefined {
  if (isIP(text) !== 6) return undefined;
  const groups = groupsOf(text.replace(/%.*$/, ""));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const four = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join(".");
  if (a === 0x2002) return four(b, c);
  if (a === 0x64 && b === 0xff9b) return four(g, h);
  if ((a | b | c | d) !== 0) return undefined;
  if ((e === 0 && f === 0xffff) || (e === 0xffff && f === 0)) return four(g, h);
  return e === 0 && f === 0 && (g !== 0 || h > 1) ? four(g, h) : undefined;
}

function groupsOf(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const [, head = "", w, x, y, z] = dotted ?? [];
  const hex = (high: unknown, low: unknown): string => (Number(high) * 256 + Number(low)).toString(16);
  const plain = dotted ? `${head}${hex(w, x)}:${hex(y, z)}` : text;
  const [left = "", right] = plain.split("::", 2);
  const numbers = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((each) => Number.parseInt(each, 16));
  if (right === undefined) return numbers(left);
  const [before, after] = [numbers(left), numbers(right)];
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
