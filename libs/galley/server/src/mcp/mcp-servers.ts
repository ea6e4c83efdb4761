import { sleep } from "@xebec/core-async";
import { parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Collection } from "@xebec/galley-mcp";
import type { ClientTls, TlsSource } from "@xebec/platform-grpc";
import { fileTls } from "@xebec/platform-identity";
import type { ConfigSource } from "../config-source.ts";
import { createMcpSource } from "./mcp-source.ts";

const log = logger("mcp");
/** How often is looked for certificates that are not there yet, in milliseconds: citadel may start later. */
const LOOK_MS = 500;

/** A server of MCP. */
export interface McpServerAddress {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly isSecure: boolean;
}

/**
 * Reads the address of an MCP server as Istio 1.1 writes it.
 * @param url `mcp://HOST:PORT`, or `mcps://HOST:PORT` for mutual TLS
 * @throws XebecError invalid_argument
 */
export function mcpServerAddress(url: string): McpServerAddress {
  const [, scheme, address = ""] = /^(mcps?):\/\/([^/?#]+)\/?$/.exec(url) ?? [];
  if (!scheme || !/:\d+$/.test(address))
    throw new XebecError(
      "invalid_argument",
      `"${url}" is not an MCP server; write mcp://HOST:PORT, or mcps://HOST:PORT for mutual TLS`,
    );
  parseAddress(address);
  return { address, isSecure: scheme === "mcps" };
}

/** Files of the certificate for `mcps://`, with Istio 1.1's names. */
export interface McpCertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caCertFile: string;
}

export interface McpServersOptions {
  readonly servers: readonly McpServerAddress[];
  readonly files: McpCertificateFiles;
  /** The service's own certificate from citadel, which counts before the files. */
  readonly identity?: TlsSource | undefined;
  readonly nodeId: string;
  readonly maxMessageBytes?: number;
  /** The collections that are asked for; those of all kinds when absent. */
  readonly wants?: (collection: Collection) => boolean;
}

/** The configuration of MCP servers; an object that several have is the first one's. Components belong to the sources. */
export function createMcpSources(options: McpServersOptions): {
  readonly sources: readonly ConfigSource[];
  readonly components: readonly Component[];
} {
  const { servers, files, identity, nodeId, maxMessageBytes, wants } = options;
  const needsFiles = !identity && servers.some(({ isSecure }) => isSecure);
  const pair = needsFiles ? new AwaitedPair(files) : undefined;
  const tls = async (): Promise<ClientTls> => pair?.ready ?? (identity as TlsSource);
  const sources = servers.map(({ address, isSecure }) =>
    createMcpSource({
      ...{ address, nodeId },
      ...(isSecure ? { tls } : {}),
      ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
      ...(wants ? { wants } : {}),
    }),
  );
  return { sources, components: pair ? [pair] : [] };
}

/** A key pair from files that are waited for. */
class AwaitedPair implements Component {
  readonly name = "certificate for MCP";
  readonly #pair: NonNullable<ReturnType<typeof fileTls>>;
  readonly #stop = new AbortController();
  #problem: string | undefined = "is not there yet";
  #resolve: (pair: ClientTls) => void = () => {};
  readonly ready = new Promise<ClientTls>((resolve) => {
    this.#resolve = resolve;
  });

  constructor({ certFile, keyFile, caCertFile }: McpCertificateFiles) {
    this.#pair = fileTls(certFile, keyFile, caCertFile) as NonNullable<ReturnType<typeof fileTls>>;
  }

  async start(): Promise<void> {
    void this.#wait();
  }

  missing(): readonly string[] {
    return this.#problem === undefined ? (this.#pair.missing?.() ?? []) : [this.#problem];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#pair.close?.();
  }

  async #wait(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted)
      try {
        await this.#pair.start(signal);
        this.#problem = undefined;
        this.#resolve(this.#pair);
        return;
      } catch (error) {
        const { message } = XebecError.from(error);
        if (message !== this.#problem) log.info({ reason: message }, "the certificate for MCP is waited for");
        this.#problem = message;
        await sleep(LOOK_MS, signal).catch(() => undefined);
      }
  }
}
