/** A TCP socket address as Envoy's API writes it. */
export function socketAddress(address: string, port: number) {
  return {
    address: {
      case: "socketAddress" as const,
      value: { address, portSpecifier: { case: "portValue" as const, value: port } },
    },
  };
}

/** The address of a Unix socket as Envoy's API writes it. */
export function pipeAddress(path: string) {
  return { address: { case: "pipe" as const, value: { path } } };
}
