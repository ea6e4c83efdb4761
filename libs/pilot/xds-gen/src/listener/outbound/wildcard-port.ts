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
import { ALL_ADDRESSES, unboundListener, unknownTraffic } from "./unbound-listener.ts";

interface TcpPort {
  readonly service: MeshService;
  readonly port: MeshPort;
}

interface MatchedPort extends TcpPort {
  readonly networks: readonly string[];
}

/**
 * A port on all addresses: HTTP, told by its first bytes, and the oldest TCP service share it, but for the networks and server
 * names of others.
 */
export class WildcardPort {
  readonly #port: number;
  #http = false;
  #grpcWeb = false;
  #open: TcpPort | undefined;
  readonly #matched: MatchedPort[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  addHttp(protocol: PortProtocol): void {
    this.#http = true;
    this.#grpcWeb ||= protocol === "GRPC-Web";
  }

  /** A TCP service without an address: the oldest of them is what is left when nothing else matches. */
  addOpen(port: TcpPort): void {
    this.#open ??= port;
  }

  /** A TCP service that has whole networks for addresses, or a TLS service, whose clients name it. */
  addMatched(port: MatchedPort): void {
    this.#matched.push(port);
  }

  listener(scope: Scope): BuiltListener {
    const taken = new Set<string>();
    const matched = this.#matched.flatMap(({ service, port, networks }) =>
      tcpChains(scope, service, port, {
        ...{ networks, taken },
        // Envoy looks for no other chain once one of these addresses has one for what is plaintext.
        transports: port.protocol === "Auto" ? [PLAINTEXT, TLS_PASSTHROUGH] : ANY_TRANSPORT,
      }),
    );
    const open = this.#open ? tcpChains(scope, this.#open.service, this.#open.port) : [];
    // Where no rule of the service is for everything, the last chain is its own: the one without a match.
    const last = open.find(takesRest) ?? passthrough(scope);
    const bytes = open.filter((each) => each !== last);
    return unboundListener(`${ALL_ADDRESSES}_${this.#port}`, {
      address: ALL_ADDRESSES,
      port: this.#port,
      filterChains: this.#http
        ? [...matched, ...this.#sniffed(scope, this.#networks(taken)), ...bytes, ...this.#sniffed(scope, ANYWHERE)]
        : [...matched, ...bytes],
      ...(last ? { defaultFilterChain: last } : {}),
      ...(this.#http ? { timeout: detectionTimeout(this.#port) } : {}),
      configKeys: [],
    });
  }

  /** HTTP to these destinations. */
  #sniffed(scope: Scope, matches: readonly DestinationMatch[]): BuiltFilterChain[] {
    const name = `${ALL_ADDRESSES}_${this.#port}`;
    return filterChains(scope, {
      matches,
      transports: [{ match: sniffedHttp(scope) }],
      connection: outboundHttp(name, String(this.#port), { grpcWeb: this.#grpcWeb }),
      configKeys: [],
    });
  }

  /** The networks of services without protocol, once each: HTTP to them is told apart, too. */
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
