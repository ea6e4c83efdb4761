import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import { logger } from "@xebec/core-log";
import type { PodWorker } from "../pod/pod-worker.ts";
import { readLog } from "../runtime/container-log.ts";
import { serveAttach, serveExec } from "./exec.ts";
import { servePortForward } from "./port-forward.ts";

const log = logger("node");

export interface KubeletServerOptions {
  readonly cert: string;
  readonly key: string;
  /** Whose clients are let in, PEM. */
  readonly ca: string;
  pod(namespace: string, name: string): PodWorker | undefined;
  pods(): readonly PodWorker[];
}

/** What the API server asks of a node: logs, exec, attach, port forwarding. Only clients with a certificate of the cluster are served. */
export class KubeletServer {
  readonly #options: KubeletServerOptions;
  readonly #server: Server;

  constructor(options: KubeletServerOptions) {
    this.#options = options;
    const { cert, key, ca } = options;
    this.#server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true });
    this.#server.on("request", (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        log.error({ err: error, url: request.url }, "a call of the API server has failed");
        if (!response.headersSent) response.writeHead(500);
        response.end(String((error as Error).message));
      });
    });
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on("tlsClientError", (error) => log.debug({ err: error }, "a client was not let in"));
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => resolve());
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "https://node");
    const [, what, namespace = "", name = "", container = ""] = url.pathname.split("/");
    if (what === "healthz") response.end("ok");
    else if (what === "pods") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({ kind: "PodList", apiVersion: "v1", items: this.#options.pods().map(({ pod }) => pod) }),
      );
    } else if (what === "containerLogs") await this.#logs(url, namespace, name, container, response);
    else {
      response.writeHead(404);
      response.end(`this node has no ${url.pathname}\n`);
    }
  }

  async #logs(url: URL, namespace: string, name: string, container: string, response: ServerResponse): Promise<void> {
    const pod = this.#options.pod(namespace, name);
    const worker = pod?.worker(container);
    const query = url.searchParams;
    const previous = query.get("previous") === "true";
    const path = worker?.logFile(previous);
    if (!worker || path === undefined) {
      response.writeHead(worker ? 400 : 404);
      response.end(
        worker
          ? `${previous ? "previous terminated " : ""}container "${container}" in pod "${name}" ${previous ? "not found" : "is waiting to start"}\n`
          : `container ${container} of pod ${namespace}/${name} is not here\n`,
      );
      return;
    }
    const number = (key: string): number | undefined => (query.has(key) ? Number(query.get(key)) : undefined);
    const seconds = number("sinceSeconds");
    const since = query.get("sinceTime");
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    response.writeHead(200, { "content-type": "text/plain" });
    response.flushHeaders();
    const [tailLines, limitBytes] = [number("tailLines"), number("limitBytes")];
    const asked = {
      follow: query.get("follow") === "true",
      timestamps: query.get("timestamps") === "true",
      ...(tailLines === undefined ? {} : { tailLines }),
      ...(limitBytes === undefined ? {} : { limitBytes }),
      ...(seconds === undefined ? {} : { since: Date.now() - seconds * 1_000 }),
      ...(since === null ? {} : { since: Date.parse(since) }),
      stream: (query.get("stream") ?? "All") as "All" | "Stdout" | "Stderr",
    };
    const isCurrent = (): boolean => worker.running?.log.path === path;
    for await (const text of readLog(path, asked, isCurrent, gone.signal))
      if (text && !response.write(text)) await new Promise((resolve) => response.once("drain", resolve));
    response.end();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): undefined {
    socket.on("error", () => socket.destroy());
    const url = new URL(request.url ?? "/", "https://node");
    const [, what, namespace = "", name = "", container = ""] = url.pathname.split("/");
    const refuse = (status: string, text: string): undefined => {
      socket.end(
        `HTTP/1.1 ${status}\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
      );
    };
    const pod = this.#options.pod(namespace, name);
    if (!pod) return refuse("404 Not Found", `pod ${namespace}/${name} is not here`);
    if (request.headers.upgrade?.toLowerCase() !== "spdy/3.1")
      return refuse("400 Bad Request", "this node speaks SPDY/3.1, which the API server makes of WebSockets");
    const offered = [request.headers["x-stream-protocol-version"] ?? []].flat().join(",").split(/,\s*/).filter(Boolean);
    const accept = (known: readonly string[]): void => {
      const protocol = known.find((each) => offered.includes(each)) ?? known[0];
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
      );
    };
    const failed = (error: unknown): void => {
      log.error({ err: error, url: request.url }, "a stream has failed");
      socket.destroy();
    };
    if (what === "portForward") {
      accept(["portforward.k8s.io"]);
      servePortForward(pod.netns, socket, head);
      return undefined;
    }
    const running = pod.worker(container)?.running;
    if (!running) return refuse("404 Not Found", `container ${container} of pod ${namespace}/${name} does not run`);
    const flag = (key: string): boolean => ["1", "true"].includes(url.searchParams.get(key) ?? "");
    // The API server's names, and kubelet's own older ones.
    const options = {
      command: url.searchParams.getAll("command"),
      stdin: flag("input") || flag("stdin"),
      stdout: flag("output") || flag("stdout"),
      stderr: flag("error") || flag("stderr"),
      tty: flag("tty"),
    };
    const protocols = ["v4.channel.k8s.io", "v5.channel.k8s.io"];
    if (what === "exec") {
      accept(protocols);
      void serveExec(running, options, socket, head).catch(failed);
    } else if (what === "attach") {
      accept(protocols);
      void serveAttach(running, options, socket, head).catch(failed);
    } else refuse("404 Not Found", `this node has no ${url.pathname}`);
    return undefined;
  }
}
