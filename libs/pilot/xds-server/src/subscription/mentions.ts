import type { ResourcePart } from "@xebec/pilot-xds-gen";

/** The field that holds parts of a kind, as Envoy's validation names it with an index: `VirtualHosts[3]`. */
const FIELD: Readonly<Record<ResourcePart["kind"], string>> = {
  virtualHost: "VirtualHosts",
  route: "Routes",
  filterChain: "FilterChains",
};

/**
 * True when a client's message is about a part, by its name or by its place.
 * @param index the place of the part among those of its kind
 */
export function mentionsPart(message: string, { kind, name }: ResourcePart, index: number): boolean {
  return (name !== "" && mentions(message, name)) || message.includes(`${FIELD[kind]}[${index}]`);
}

/**
 * True when a name stands in a message by itself, and not as part of a longer name: `80` is not in `outbound|80||a`. Route tables
 * have numbers for names, and numbers are also ports, codes and amounts: `a.example.com:80`, `port 80`, `80 ms`.
 */
export function mentions(message: string, name: string): boolean {
  if (!message.includes(name)) return false;
  const literal = name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const isNumber = /^\d+$/.test(name);
  const before = /^\d/.test(name) ? "(?<![\\w.|~*:-])" : "(?<![\\w.|~*-])";
  const noAmount = isNumber ? "(?<!\\b(?:port|code|status|line|column|than|most|least|after|got) )" : "";
  const noUnit = isNumber ? "(?! ?(?:ms|s|seconds|bytes|characters|%)(?!\\w))" : "";
  return new RegExp(`${before}${noAmount}${literal}(?![\\w|~*-]|\\.\\w)${noUnit}`).test(message);
}
