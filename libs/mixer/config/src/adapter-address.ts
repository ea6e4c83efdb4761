/** Where a handler's adapter runs: the one line of `connection.address`. */
export type AdapterAddress =
  /** Istio 1.1's gRPC protocol: `HOST:PORT` or `unix:///PATH`. */
  | { readonly kind: "grpc"; readonly target: string | { readonly path: string } }
  /** Copies that answer on the bus, `bus://NAME`. */
  | { readonly kind: "bus"; readonly name: string }
  /** A thread of the service, `worker://`. */
  | { readonly kind: "worker" };

/** Reads it. @returns a clause that says what is wrong with it */
export function readAdapterAddress(text: string): AdapterAddress | string {
  if (text.startsWith("unix://")) return { kind: "grpc", target: { path: text.slice(7) } };
  if (text === "worker://") return { kind: "worker" };
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === undefined) return { kind: "grpc", target: text };
  if (scheme === "worker") return "must be worker:// and nothing more: each handler has a thread of its own";
  if (scheme !== "bus") return `"${text}" must be HOST:PORT, unix:///PATH, bus://NAME or worker://`;
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(rest)
    ? { kind: "bus", name: rest }
    : `must be bus://NAME, the name of lower-case letters, digits and "-"`;
}
