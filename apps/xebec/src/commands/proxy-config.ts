import { loadWholeApi } from "@xebec/api-envoy";
import { XebecError } from "@xebec/core-errors";
import {
  bootstrapSummary,
  type ClusterFilter,
  type ConfigDump,
  type EndpointFilter,
  everything,
  type Json,
  type ListenerFilter,
  list,
  object,
  protoJson,
  type RouteFilter,
  readConfigDump,
  rootsOf,
  type Shown,
  showClusters,
  showEds,
  showEndpoints,
  showExtensions,
  showListeners,
  showRoutes,
  showSecrets,
} from "@xebec/pilot-proxy-config";
import { podIn } from "@xebec/platform-local";
import { type OfflineOptions, offlineDump } from "../offline.ts";
import { type Format, listing, print, table } from "../output.ts";
import { askEnvoy, configDumpOf, findProxy, required } from "../proxy-source.ts";

/** Flags that each of these commands has. */
export interface ProxyConfigOptions extends OfflineOptions {
  readonly output: Format;
  /** A file with a configuration dump, in place of a pod. */
  readonly file?: string;
  /** The pod's, where its name does not say it. */
  readonly namespace?: string;
}

/** `xebec proxy-config`, for one kind of resource of a proxy. Each function's result is the exit code. */
const show =
  <F>(select: (dump: ConfigDump, filter: F) => Shown) =>
  async (pod: string | undefined, options: ProxyConfigOptions & F): Promise<number> =>
    await printShown(select(await dumpOf(pod, options), options), options.output);

/** What a proxy has, what a file says that it has, or what pilot's generators make for it. */
async function dumpOf(pod: string | undefined, options: ProxyConfigOptions): Promise<ConfigDump> {
  const meant = podIn(pod, options.namespace);
  if (options.offline) return offlineDump(meant, options);
  return readConfigDump(await configDumpOf(meant, options.file));
}

export const clusters = show<ClusterFilter>(showClusters);
export const listeners = show<ListenerFilter>(showListeners);
export const routes = show<RouteFilter>(showRoutes);
export const eds = show<EndpointFilter>(showEds);
export const ecds = show<object>(showExtensions);
export const secrets = show<object>((dump) => showSecrets(dump, Date.now()));

/** Endpoints come from Envoy's state of its clusters, which a configuration dump does not have. */
export async function endpoints(
  pod: string | undefined,
  options: ProxyConfigOptions & EndpointFilter,
): Promise<number> {
  // Without Envoy there is only what it would be sent.
  if (options.offline) return eds(pod, options);
  const text =
    options.file === undefined
      ? await askEnvoy(await findProxy(required(podIn(pod, options.namespace))), "/clusters?format=json")
      : await configDumpOf(undefined, options.file);
  return await printShown(showEndpoints(jsonOf(text), options), options.output);
}

/** The bootstrap: as JSON, unless a summary is asked for. */
export async function bootstrap(pod: string | undefined, options: ProxyConfigOptions): Promise<number> {
  const dump = readConfigDump(await configDumpOf(podIn(pod, options.namespace), options.file));
  const message = dump.bootstrap ?? {};
  if (options.output === "table") print(bootstrapSummary(dump));
  else await printMessages(message, "envoy.admin.v3.BootstrapConfigDump", options.output);
  return 0;
}

export async function all(pod: string | undefined, options: ProxyConfigOptions & AllFilter): Promise<number> {
  const dump = await dumpOf(pod, options);
  const tables = [
    showClusters(dump, options),
    showListeners(dump, options),
    showRoutes(dump, options),
    showEds(dump, options),
    showExtensions(dump),
    showSecrets(dump, Date.now()),
  ];
  print(
    listing(options.output, everything(dump), () =>
      tables
        .filter(({ rows }) => rows.length > 0)
        .map(({ header, rows }) => table(header, rows))
        .join("\n"),
    ),
  );
  return 0;
}

/** Each resource that a filter concerns must fit; `port` is that of clusters, listeners and endpoints. */
type AllFilter = ClusterFilter & ListenerFilter & RouteFilter;

/** Shows, and with `level` changes, the levels of Envoy's loggers. */
export async function logLevels(
  pod: string,
  options: { readonly output: Format; readonly namespace?: string; readonly level?: string; readonly reset?: boolean },
): Promise<number> {
  const admin = await findProxy(required(podIn(pod, options.namespace)));
  const changes = options.reset ? ["level=warning"] : (options.level?.split(",").map(levelQuery) ?? []);
  for (const change of changes) await askEnvoy(admin, `/logging?${change}`, "POST");
  const text = await askEnvoy(admin, "/logging", "POST");
  const loggers = Object.fromEntries(
    text
      .split("\n")
      .map((line) => /^\s+(\S+): (\S+)$/.exec(line))
      .flatMap((found) => (found ? [[found[1] as string, found[2] as string]] : [])),
  );
  print(
    listing(options.output, loggers, () => {
      const lines = Object.entries(loggers).map(([name, level]) => `  ${name}: ${level}\n`);
      return `${admin.proxy}:\nactive loggers:\n${lines.join("")}`;
    }),
  );
  return 0;
}

const LEVELS = ["trace", "debug", "info", "warning", "warn", "error", "critical", "off"];

/** `debug`, or `LOGGER:debug`. */
function levelQuery(text: string): string {
  const [logger, level] = text.includes(":") ? text.split(":", 2) : ["level", text];
  if (level === undefined || !LEVELS.includes(level))
    throw new XebecError(
      "invalid_argument",
      `"${text}" is not a log level; use LEVEL or LOGGER:LEVEL, where LEVEL is one of ${LEVELS.join(", ")}`,
    );
  const isAll = logger === "level" || logger === "all";
  return `${isAll ? "level" : encodeURIComponent(logger ?? "")}=${level === "warn" ? "warning" : level}`;
}

/** Compares the roots that two proxies trust. @returns 1 when they differ, since the two cannot speak mutual TLS with each other */
export async function rootCaCompare(
  first: string,
  second: string,
  { namespace }: { readonly namespace?: string },
): Promise<number> {
  const [a, b] = await Promise.all(
    [first, second].map(async (pod) => {
      const roots = rootsOf(readConfigDump(await configDumpOf(podIn(pod, namespace), undefined)));
      if (roots === "") throw new XebecError("unavailable", `the proxy of ${pod} has no root certificate yet`);
      return roots;
    }),
  );
  print(
    a === b
      ? `${first} and ${second} trust the same roots: they can call each other with mutual TLS`
      : `${first} and ${second} trust different roots: they cannot call each other with mutual TLS`,
  );
  return a === b ? 0 : 1;
}

async function printShown({ header, rows, resources, type }: Shown, format: Format): Promise<number> {
  if (format === "table") print(table(header, rows));
  else await printMessages(resources, type, format);
  return 0;
}

/** Messages as istioctl prints them: each is of the type that the command says. */
async function printMessages(messages: Json | readonly Json[], type: string, format: Format): Promise<void> {
  const registry = await loadWholeApi();
  const printed = ({ "@type": _, ...fields }: Json): Json => protoJson(fields, type, registry);
  const shown = Array.isArray(messages) ? list(messages).map(printed) : printed(object(messages) ?? {});
  print(listing(format, shown, () => ""));
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new XebecError("invalid_argument", "the file is not JSON; take the output of /clusters?format=json", {
      cause,
    });
  }
}
