import { ResourceSource } from "@xebec/api-mesh/istio/mcp/v1alpha1/mcp";
import { XebecError } from "@xebec/core-errors";
import type { Metrics } from "@xebec/core-metrics";
import {
  type CallContext,
  createGrpcServer,
  type GrpcServer,
  type ListenAddress,
  service,
  type TlsSource,
} from "@xebec/platform-grpc";
import { isAllowed } from "./access-list.ts";
import type { ServedConfig } from "./served-config.ts";

export interface McpServerOptions {
  readonly address: ListenAddress;
  /** Clients need a certificate; absent: plaintext, and whoever connects may read the configuration. */
  readonly tls?: TlsSource;
  readonly accessListFile?: string | undefined;
  readonly config: ServedConfig;
  readonly maxMessageBytes: number;
  readonly maxStreams: number;
  readonly metrics: Metrics;
}

/** Serves the configuration over MCP, as Istio 1.1's galley does (docs/reference/platform.md §3.4). */
export function createMcpServer(options: McpServerOptions): GrpcServer {
  const { address, tls, config, accessListFile, metrics, maxMessageBytes, maxStreams } = options;
  const source = service(ResourceSource, {
    establishResourceStream(stream, call) {
      const session = config.open({
        peer: call.identity ?? call.peer,
        write: (bytes) => stream.write(bytes),
        fail: (error) => stream.fail(error),
      });
      stream.onClose(() => config.end(session));
      stream.onEnd(() => stream.end());
      void admit(call, accessListFile).then(
        () => stream.onMessage((request) => session.request(request)),
        (error: unknown) => stream.fail(error),
      );
    },
  });
  return createGrpcServer({
    ...{ name: "MCP", address, services: [source], reflection: true, metrics },
    ...(tls ? { tls: withCertificates(tls) } : {}),
    limits: { maxMessageBytes, maxStreamsPerConnection: maxStreams },
  });
}

async function admit(call: CallContext, accessListFile: string | undefined): Promise<void> {
  if (await isAllowed(accessListFile, call.identity)) return;
  throw new XebecError("unauthenticated", `${call.identity ?? call.peer} is not allowed by the access list`);
}

function withCertificates(tls: TlsSource): TlsSource {
  return {
    requireClientCertificate: true,
    current: () => tls.current(),
    onChange: (changed) => tls.onChange(changed),
    acceptsClient: (certificate) => tls.acceptsClient?.(certificate) !== false,
  };
}
