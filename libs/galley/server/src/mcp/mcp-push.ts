import { create } from "@bufbuild/protobuf";
import { ResourceSink, ResourcesSchema } from "@xebec/api-mesh/istio/mcp/v1alpha1/mcp";
import type { Component } from "@xebec/core-lifecycle";
import { createGrpcClient, type GrpcClient } from "@xebec/platform-grpc";
import { keepConnected, type StreamEnd } from "./mcp-stream.ts";
import type { ServedConfig } from "./served-config.ts";

const UNIMPLEMENTED = 12;

export interface McpPushOptions {
  /** The server that takes configuration, `HOST:PORT`. */
  readonly address: string;
  /** Sent as metadata of the call. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly config: ServedConfig;
}

/**
 * Galley calls a server that takes configuration, and is the source all the same (Istio 1.1's `--sinkAddress`,
 * docs/reference/platform.md §3.4): it speaks first, with a message for no collection, which the server refuses.
 */
export function createMcpPush({ address, metadata, config }: McpPushOptions): Component {
  const stop = new AbortController();
  let client: GrpcClient<typeof ResourceSink> | undefined;
  let running: Promise<void> = Promise.resolve();
  return {
    name: `MCP sink ${address}`,
    async start() {
      const sink = createGrpcClient({ descriptor: ResourceSink, address });
      client = sink;
      const connect = (signal: AbortSignal) => push({ sink, metadata, config, address, signal });
      // A sink that is away does not make galley unready: the configuration is on the bus all the same.
      running = keepConnected({ server: address, connect, problem: () => {} }, stop.signal);
    },
    async close() {
      stop.abort();
      await running;
      client?.close();
    },
  };
}

function push(options: {
  readonly sink: GrpcClient<typeof ResourceSink>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly config: ServedConfig;
  readonly address: string;
  readonly signal: AbortSignal;
}): Promise<StreamEnd> {
  const { sink, metadata, config, address, signal } = options;
  return new Promise((resolve) => {
    const stream = sink.establishResourceStream({ signal, metadata });
    let isOpen = false;
    let failure: unknown;
    const fail = (error: unknown): void => {
      failure = error;
      stream.cancel();
    };
    const session = config.open({ peer: address, write: (bytes) => stream.write(bytes), fail });
    stream.onEnd((error) => {
      config.end(session);
      resolve({ error: failure ?? error, isFruitful: isOpen, isImmediate: false });
    });
    stream.onMessage((request) => {
      try {
        isOpen = true;
        // The answer to the first message, which is for no collection.
        if (request.collection !== "" || request.errorDetail?.code !== UNIMPLEMENTED) session.request(request);
      } catch (error) {
        fail(error);
      }
    });
    stream.write(create(ResourcesSchema, {}));
  });
}
