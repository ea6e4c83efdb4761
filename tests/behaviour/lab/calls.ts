// What a test asks of the process inside the network namespace, and what it gets back. Everything here is plain JSON.

/** A server that reports who it is and what it got, whatever its clients speak: HTTP/1, HTTP/2, TLS or just bytes. */
export interface Upstream {
  readonly name: string;
  /** `ADDRESS:PORT`, or the path of a Unix socket. */
  readonly at: string;
  /** PEM; without it a TLS handshake is answered as bytes are. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Speaks first, as MySQL does: its greeting is its answer. */
  readonly greets?: boolean;
  /** Is an HTTP proxy that is its own target: it answers the bytes of a tunnel, with the method and the host that opened it. */
  readonly tunnels?: boolean;
  /** Accepts connections, with TLS where it has it, and never says anything. */
  readonly silent?: boolean;
  /** A Unix socket to which connections are handed on: a server in the process of the test. */
  readonly relay?: string;
}

/** How a client's connection is made. */
export interface Connection {
  /** `ADDRESS:PORT` to connect to, or the path of a Unix socket. */
  readonly at: string;
  /** `ADDRESS:PORT` that the client meant, where the proxy's listeners take it from PROXY's header. */
  readonly meant?: string;
  /** How long the client waits with its first bytes once it is connected. */
  readonly idleMs?: number;
  /** The address that the connection comes from, where it matters. */
  readonly from?: string;
  /** Where the client says that it comes from. */
  readonly source?: string;
  /** `HOST:PORT` to tunnel to with CONNECT before anything else. */
  readonly tunnel?: string;
  readonly tls?: {
    readonly sni?: string;
    readonly alpn?: readonly string[];
    readonly cert?: string;
    readonly key?: string;
    /** The only version that the client speaks. */
    readonly version?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
    readonly ciphers?: string;
  };
}

export interface HttpRequest {
  readonly method: string;
  /** What stands in the request line; an absolute URL for an explicit proxy. */
  readonly target: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly version: "1.0" | "1.1" | "2";
  readonly timeoutMs: number;
}

/** What a server got. */
export interface Arrival {
  readonly server: string;
  readonly protocol: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2" | "TCP";
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Address that the connection came from. */
  readonly from: string;
  /** When it came by TLS. */
  readonly tls?: { readonly sni: string; readonly alpn: string; readonly client: string };
}

export interface HttpAnswer {
  /** 0 when the connection ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The server that answered; empty when the proxy answered itself. */
  readonly by: string;
  /** What that server got. */
  readonly got?: Arrival;
  readonly error: string;
  /** What the server's certificate says, where the client spoke TLS, and how they spoke. */
  readonly peer?: string;
  readonly cipher?: string;
  readonly ms: number;
}

export interface TcpAnswer {
  readonly by: string;
  readonly got?: Arrival;
  /** All bytes that came. */
  readonly text: string;
  readonly error: string;
  /** What the server's certificate says, where the client spoke TLS. */
  readonly peer: string;
}

/** The header by which a server knows the requests of one call. */
export const CALL_HEADER = "x-call";
/**
 * The header that instructs servers: one instruction for each request of the call that arrives, the last one for all others;
 * parts joined by `+`: a status, `delay:MS`, `hang`, `drip` (an answer without end), `reset`, `refuse`, `grpc:CODE`, `header:NAME=VALUE`.
 */
export const DO_HEADER = "x-do";
