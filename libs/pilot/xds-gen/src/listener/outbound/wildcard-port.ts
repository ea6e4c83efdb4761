import type { PortProtocol } from "@xebec/model-names";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import type { BuiltFilterChain, BuiltListener } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import {
  ANY_TRANSPORT,
  ANYWHERE,
  type DestinationMatch,
  filterChains,
  PLAINTEXT,
  TLS_PASSTHROUGH,
  takesRest,
} from "../chain.ts";
import { cidrOf } from "../cidr.ts";
import { detectionTimeout, sniffedHttp } from "../sniffing.ts";
import { outboundHttp } from "./outbound-http.ts";
import { tcpChains } from "./tcp-chains.ts";
import { unboundListener, unknownTraffic } from "./unbound-listener.ts";

interface TcpPort {
  readonly service: MeshService;
  readonly port: MeshPort;
}

interface MatchedPort extends TcpPort {
  readonly networks: readonly string[];
}

/**
 * The listener of a port on all addresses, or on one that a Sidecar says. HTTP services, of which the first bytes are detected, share it with the oldest TCP service
 * without an address, and with services that chains match by CIDR block or server name.
 */
export class WildcardPort {
  readonly #address: string;
  readonly #port: number;
  #http = false;
  #grpcWeb = false;
  #open: TcpPort | undefined;
  readonly #matched: MatchedPort[] = [];

  /** @param address all addresses, unless a Sidecar says another one */
  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
  }

  get #name(): string {
    return `${this.#address}_${this.#port}`;
  }

  addHttp(protocol: PortProtocol): void {
    this.#http = true;
    this.#grpcWeb ||= protocol === "GRPC-Web";
  }

  /** Adds a TCP service without an address: the oldest one receives what no other chain matches. */
  addOpen(port: TcpPort): void {
    this.#open ??= port;
  }

  /** Adds a TCP service with CIDR blocks, or a TLS service, which clients address by server name. */
  addMatched(port: MatchedPort): void {
    this.#matched.push(port);
  }

  listener(scope: Scope): BuiltListener {
    const taken = new Set<string>();
    const matched = this.#matched.flatMap(({ service, port, networks }) =>
      tcpChains(scope, service, port, {
        ...{ networks, taken },
        // Without a chain of its own, TLS to these addresses would match none: Envoy does not fall back to other prefixes.
        transports: port.protocol === "Auto" ? [PLAINTEXT, TLS_PASSTHROUGH] : ANY_TRANSPORT,
      }),
    );
    const open = this.#open ? tcpChains(scope, this.#open.service, this.#open.port) : [];
    // The chain without a match becomes the default one.
    const last = open.find(takesRest) ?? passthrough(scope);
    const tcp = open.filter((each) => each !== last);
    return unboundListener(this.#name, {
      address: this.#address,
      port: this.#port,
      filterChains: this.#http
        ? [...matched, ...this.#sniffed(scope, this.#networks(taken)), ...tcp, ...this.#sniffed(scope, ANYWHERE)]
        : [...matched, ...tcp],
      ...(last ? { defaultFilterChain: last } : {}),
      ...(this.#http ? { timeout: detectionTimeout(scope, this.#port) } : {}),
      configKeys: [],
    });
  }

  /** Chains for detected HTTP to these destinations. */
  #sniffed(scope: Scope, matches: readonly DestinationMatch[]): BuiltFilterChain[] {
    return filterChains(scope, {
      matches,
      transports: [{ match: sniffedHttp(scope) }],
      connection: outboundHttp(this.#name, String(this.#port), { port: this.#port, grpcWeb: this.#grpcWeb }),
      configKeys: [],
    });
  }

  /** The CIDR blocks of services without a declared protocol, without duplicates. */
  #networks(taken: Set<string>): DestinationMatch[] {
    return this.#matched
      .filter(({ port }) => port.protocol === "Auto")
      .flatMap(({ networks }) => networks.map(cidrOf))
      .filter(({ addressPrefix, prefixLen }) => {
        const key = `http ${addressPrefix}/${prefixLen}`;
        return !taken.has(key) && Boolean(taken.add(key));
      })
      .map((range) => ({ prefixRanges: [range] }));
  }
}

function passthrough(scope: Scope): BuiltFilterChain | undefined {
  const [chain] = filterChains(scope, {
    name: "PassthroughFilterChain",
    matches: ANYWHERE,
    transports: ANY_TRANSPORT,
    connection: unknownTraffic(scope),
    configKeys: [],
  });
  return chain;
}
