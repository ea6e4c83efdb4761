import assert from "node:assert/strict";
import { type Code, XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import {
  type ChannelTarget,
  createGrpcChannel,
  createGrpcServer,
  type GrpcChannel,
  type GrpcServer,
  type GrpcServerOptions,
} from "./index.ts";

export const LOCAL = { host: "127.0.0.1", port: 0 };
export const never = new AbortController().signal;

/** Runs `work` against a server and a channel to it, and closes both. */
export async function serving(
  options: Partial<GrpcServerOptions>,
  work: (channel: GrpcChannel, server: GrpcServer) => Promise<void>,
  target: Partial<ChannelTarget> = {},
): Promise<void> {
  const server = createGrpcServer({
    name: "test server",
    address: LOCAL,
    services: [],
    metrics: createMetrics(),
    ...options,
  });
  await server.start(never);
  const channel = createGrpcChannel({ address: { host: "127.0.0.1", port: server.port }, ...target });
  try {
    await work(channel, server);
  } finally {
    channel.close();
    await server.close?.();
  }
}

export function failsWith(code: Code, text: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof XebecError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  };
}
