import type { Agent } from "node:http";
import type { KubeConfig } from "@kubernetes/client-node";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";

const log = logger("kube");

/** Where the API server is. */
export interface ClusterOptions {
  /** Path of a kubeconfig; empty or absent: the service account of the pod that this process runs in. */
  readonly kubeconfig?: string | undefined;
  /** A context of the kubeconfig; its current one when absent. */
  readonly context?: string | undefined;
}

/** What a request needs to be let in. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  /** Keeps connections; it holds the certificates. */
  readonly agent: Agent;
}

/** An API server, and how to sign in to it. */
export interface Cluster {
  readonly server: URL;
  /** Of the context, or of the pod; undefined when none is named. */
  readonly namespace: string | undefined;
  /** What a request needs now: tokens and certificates are renewed as the kubeconfig says. */
  credentials(): Promise<Credentials>;
  /** The server did not take the credentials: they are made anew for the next request. */
  refused(): void;
  close(): void;
}

/** Credentials are used for so long before files are looked at again, in milliseconds. */
const REUSE_MS = 5_000;
/** A kubeconfig is read again after a refusal, at most so often. */
const RELOAD_MS = 5_000;
/** The system looks after silent connections so soon, in milliseconds: a lost one ends some ten seconds later. */
const KEEP_ALIVE_MS = 10_000;

/** The options of a request as client-node fills them. */
interface RequestParts {
  headers: Record<string, string>;
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
  auth?: string;
  agent?: Agent;
}

/**
 * Opens a cluster as kubectl does: kubeconfig with client certificates, tokens, token files, exec plug-ins, proxies; or the service
 * account of a pod. The library behind it is loaded here, so that only a process that needs a cluster pays for it.
 * @throws XebecError failed_precondition for a kubeconfig that cannot be used, or outside of a cluster without one
 */
export async function openCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { KubeConfig: Config } = await import("@kubernetes/client-node");
  const load = (): KubeConfig => loadConfig(new Config(), options);
  return new OpenCluster(load(), load);
}

function loadConfig(config: KubeConfig, { kubeconfig, context }: ClusterOptions): KubeConfig {
  if (kubeconfig) {
    try {
      config.loadFromFile(kubeconfig);
    } catch (error) {
      throw new XebecError("failed_precondition", `the kubeconfig ${kubeconfig} cannot be read`, { cause: error });
    }
  } else if (process.env.KUBERNETES_SERVICE_HOST) config.loadFromCluster();
  else
    throw new XebecError(
      "failed_precondition",
      "this process runs in no pod of a cluster (KUBERNETES_SERVICE_HOST is not set); name a kubeconfig by --kubeconfig",
    );
  if (context) config.setCurrentContext(context);
  if (!config.getCurrentCluster())
    throw new XebecError(
      "failed_precondition",
      `the kubeconfig ${kubeconfig ?? ""} has no cluster for the context "${config.getCurrentContext()}"; check current-context`,
    );
  return config;
}

class OpenCluster implements Cluster {
  readonly server: URL;
  readonly namespace: string | undefined;
  readonly #load: () => KubeConfig;
  #config: KubeConfig;
  #loadedAt = performance.now();
  #current: Promise<Credentials> | undefined;
  #madeAt = 0;
  #agent: { readonly key: string; readonly agent: Agent } | undefined;

  constructor(config: KubeConfig, load: () => KubeConfig) {
    this.#config = config;
    this.#load = load;
    this.server = serverOf(config);
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace?.trim() || undefined;
  }

  credentials(): Promise<Credentials> {
    const now = performance.now();
    if (!this.#current || now - this.#madeAt > REUSE_MS) {
      this.#madeAt = now;
      const made = this.#make();
      this.#current = made;
      made.catch(() => {
        if (this.#current === made) this.#current = undefined;
      });
    }
    return this.#current;
  }

  refused(): void {
    this.#current = undefined;
    if (performance.now() - this.#loadedAt < RELOAD_MS) return;
    this.#loadedAt = performance.now();
    try {
      // A new one: client-node keeps the credentials of plug-ins for as long as they say, also when a server refuses them.
      this.#config = this.#load();
    } catch (error) {
      log.warn({ err: error }, "the kubeconfig cannot be read again; what it said before stays");
    }
  }

  close(): void {
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #make(): Promise<Credentials> {
    const parts: RequestParts = { headers: {} };
    try {
      await this.#config.applyToHTTPSOptions(parts as Parameters<KubeConfig["applyToHTTPSOptions"]>[0]);
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim().split("\n")[0] : String(error);
      throw new XebecError("unauthenticated", `the credentials of the kubeconfig cannot be had: ${reason}`, {
        cause: error,
      });
    }
    const { auth, headers } = parts;
    return {
      headers: auth ? { ...headers, Authorization: `Basic ${Buffer.from(auth).toString("base64")}` } : headers,
      agent: this.#agentOf(parts),
    };
  }

  /** One for all requests with the same certificates; client-node keeps its own for ever, with whatever it had first. */
  #agentOf({ ca, cert, key, servername, rejectUnauthorized, agent }: RequestParts): Agent {
    const isProxied = this.#config.getCurrentCluster()?.proxyUrl !== undefined;
    if ((isProxied || this.server.protocol === "http:") && agent) return agent;
    const tls = { ca, cert, key, servername, rejectUnauthorized };
    const known = JSON.stringify(Object.values(tls).map((each) => each?.toString()));
    if (this.#agent?.key === known) return this.#agent.agent;
    // Loaded here: TLS costs a process without a cluster 4 MB.
    const { Agent: SecureAgent } = process.getBuiltinModule("node:https");
    const made = new SecureAgent({
      ...{ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxCachedSessions: 10 },
      ...Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)),
    });
    // Requests that run keep the old one until they end; it has no idle connections then.
    this.#agent = { key: known, agent: made };
    return made;
  }
}

function serverOf(config: KubeConfig): URL {
  const text = config.getCurrentCluster()?.server ?? "";
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  throw new XebecError("failed_precondition", `the kubeconfig's server "${text}" is not an http or https URL`);
}
