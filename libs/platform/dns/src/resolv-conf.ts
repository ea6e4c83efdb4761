import { isIP } from "node:net";
import type { HostPort } from "@xebec/core-config";

/** What a resolver's configuration says (resolv.conf(5)). */
export interface ResolvConf {
  /** In the order in which they are asked; three at the most, as everywhere. */
  readonly servers: readonly HostPort[];
  readonly search: readonly string[];
}

const MOST_SERVERS = 3;
const DNS_PORT = 53;

/** Reads a resolv.conf. A server may have a port, `127.0.0.1:5353` or `[::1]:5353`. Lines that say nothing here are skipped. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: HostPort[] = [];
  let search: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "nameserver") {
      const server = serverOf(words[0] ?? "");
      if (server && servers.length < MOST_SERVERS) servers.push(server);
    } else if (keyword === "search" || keyword === "domain")
      // The last line of either counts.
      search = words.map((each) => each.toLowerCase().replace(/\.$/, "")).filter(Boolean);
  }
  return { servers, search };
}

function serverOf(text: string): HostPort | undefined {
  if (isIP(text)) return { host: text, port: DNS_PORT };
  const found = /^(?:\[(.+)\]|([\d.]+)):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2] ?? "";
  const port = Number(found?.[3]);
  return isIP(host) && port > 0 && port < 65_536 ? { host, port } : undefined;
}
