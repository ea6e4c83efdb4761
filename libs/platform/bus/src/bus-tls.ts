import { readFileSync } from "node:fs";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { ConnectionOptions } from "@nats-io/transport-node";
import { XebecError } from "@xebec/core-errors";

/** How a client verifies the servers of the bus. */
export interface BusTls {
  /**
   * The roots that a server's certificate must lead to, PEM; asked for at each connect, so that a new root is known to the next one.
   * Undefined: the system's. Throws what it cannot read: then nobody is connected to.
   */
  ca(): string | undefined;
}

/**
 * How the servers are verified that flags name.
 * @param caFile PEM file of the roots; absent: the system's, when a server's URL is `tls://`
 * @returns undefined: plaintext
 */
export function busTlsOf(servers: readonly string[], caFile: string | undefined): BusTls | undefined {
  if (caFile)
    return {
      ca() {
        try {
          return readFileSync(caFile, "utf8");
        } catch (error) {
          throw new XebecError("not_found", `the roots of the bus, ${caFile}, cannot be read`, { cause: error });
        }
      },
    };
  return servers.some((each) => each.startsWith("tls://")) ? { ca: () => undefined } : undefined;
}

/**
 * What the client's library hands to `tls.connect`. A server that offers no TLS is refused. The certificate has to be for a host that
 * the servers are named by: servers that others of the cluster have told of are known by their addresses only.
 */
export function tlsOptionsOf(tls: BusTls, servers: readonly string[]): NonNullable<ConnectionOptions["tls"]> {
  const hosts = servers.map(hostOf);
  const options = {
    // Read by the library at each connect.
    get ca() {
      return tls.ca();
    },
    minVersion: "TLSv1.2",
    checkServerIdentity(_: string, certificate: PeerCertificate): Error | undefined {
      const errors = hosts.map((host) => checkServerIdentity(host, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
  return options as NonNullable<ConnectionOptions["tls"]>;
}

/** The host of `nats://HOST:PORT` or `HOST:PORT`. */
function hostOf(server: string): string {
  const { hostname } = new URL(server.includes("://") ? server : `nats://${server}`);
  return hostname.replace(/^\[|\]$/g, "");
}
