import { isIPv6 } from "node:net";

/** A network as Envoy's CidrRange has it, with all bits behind the prefix zero. */
export interface Cidr {
  readonly addressPrefix: string;
  readonly prefixLen: number;
}

/** Parses `10.1.0.0/16`, or an address. The result is canonical: Envoy rejects a listener that has one network twice. */
export function cidrOf(text: string): Cidr {
  const [address = "", given] = text.split("/");
  const bits = isIPv6(address) ? 128 : 32;
  const prefixLen = given === undefined ? bits : Number(given);
  const groups = bits === 128 ? ipv6Groups(address) : address.split(".").map(Number);
  const size = bits / groups.length;
  const masked = groups.map((group, i) => {
    const kept = Math.min(Math.max(prefixLen - i * size, 0), size);
    return group & ~((1 << (size - kept)) - 1);
  });
  const addressPrefix =
    bits === 128
      ? new URL(`http://[${masked.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1)
      : masked.join(".");
  return { addressPrefix, prefixLen };
}

/** The eight groups of 16 bits of an address. */
function ipv6Groups(address: string): number[] {
  // The URL parser writes an IPv4 tail as groups.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const read = (part: string | undefined): number[] => (part ? part.split(":").map((each) => Number(`0x${each}`)) : []);
  const [before, after] = [read(head), read(tail)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
