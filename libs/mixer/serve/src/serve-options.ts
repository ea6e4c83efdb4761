import type { Clock } from "@xebec/mixer-sdk";

/** How an adapter is offered to Mixer's services; at least one of `address` and `bus` is needed. */
export interface ServeOptions {
  /** Where it listens for Istio 1.1's gRPC protocol: `HOST:PORT`, port 0 takes any. Plaintext without `tls`. */
  readonly address?: string;
  /** PEM files of its certificate; with `clientCAFile` only clients whose certificate leads to that root may call (mutual TLS). */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCAFile?: string };
  /** The bus on which it answers; copies with one name share the calls. */
  readonly bus?: {
    /** `nats://HOST:PORT`, `tls://HOST:PORT`. */
    readonly servers: readonly string[];
    /** The name in handlers' `connection.address`, `bus://NAME` (the adapter's). */
    readonly name?: string;
    /** File with the seed of the bus' user `adapter`. */
    readonly seedFile?: string;
    /** PEM file of the roots of the bus' servers. */
    readonly caFile?: string;
  };
  readonly clock?: Clock;
}

/** An adapter that is being served. */
export interface ServedAdapter {
  /** The port of gRPC; 0 without. */
  readonly port: number;
  /** Ends it: no new calls, those that run are finished, handlers are closed. */
  close(): Promise<void>;
}
