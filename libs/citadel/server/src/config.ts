import { type ConfigOf, defineConfig, option } from "@xebec/core-config";
import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import { trustDomainOf } from "@xebec/model-names";
import { KEY_TYPES } from "@xebec/model-pki";

/** Citadel's flags, with the names of Istio 1.1's istio_ca (docs/reference/platform.md §1.9). */
export const CitadelConfig = defineConfig({
  service: "citadel",
  summary: "signs the certificates of the mesh",
  options: {
    address: option.string("IP address that all ports bind", "0.0.0.0"),
    "grpc-port": option.port("port of CreateCertificate and HandleCSR over TLS", 8060),
    "grpc-host-identities": option.list("DNS names in citadel's own certificate", ["istio-ca", "istio-citadel"]),
    "monitoring-port": option.port("port of metrics, health and log levels", 15014),
    "trust-domain": option.string("trust domain of SPIFFE identities", "cluster.local", { read: trustDomainOf }),
    "citadel-storage-namespace": option.string("namespace of citadel and the other services", "istio-system"),
    kubernetes: option.oneOf(
      "keep the root in the Secret istio-ca-secret, take tokens of service accounts, and write the roots into every namespace; auto: in a pod, or with --kube-config, unless there is a --storage-dir",
      ["auto", "true", "false"],
      "auto",
    ),
    "kube-config": option.string("kubeconfig of the API server; without it the service account of the pod"),
    "server-only": option.boolean(
      "write no Secrets istio.ACCOUNT with keys; false: as Istio 1.1 for each service account",
      true,
    ),
    "listened-namespaces": option.list("namespaces whose service accounts get such Secrets; all when it is left out"),
    "workload-cert-grace-period-ratio": option.number(
      "share of its life at whose end such a certificate is renewed",
      0.5,
    ),
    "workload-cert-min-grace-period": option.string("the least time before its end at which it is renewed", "10m"),
    "storage-dir": option.string("directory of the self-signed root, the token key and the revoked serial numbers"),
    "self-signed-ca": option.boolean(
      "sign with a root of its own; without it the four certificate files are needed",
      true,
    ),
    "root-of": option.string(
      "in a cluster: namespace of another citadel whose self-signed root, and its rotation, are this one's, too",
    ),
    "self-signed-ca-cert-ttl": option.string("lifetime of the self-signed root", "87600h"),
    "self-signed-ca-key-type": option.oneOf("key of the self-signed root", KEY_TYPES, "P-256"),
    "signing-cert": option.string("plugged-in CA certificate, PEM; switches --self-signed-ca off"),
    "signing-key": option.string("private key of --signing-cert"),
    "root-cert": option.string("root that --signing-cert leads to"),
    "cert-chain": option.string("certificates between --signing-cert and --root-cert"),
    "workload-cert-ttl": option.string("lifetime of a certificate that asks for none", "24h"),
    "max-workload-cert-ttl": option.string("longest lifetime of a certificate", "2160h"),
    busURL: option.servers("NATS servers on which the trusted roots are published, nats://HOST:PORT"),
    busSeedFile: option.string("file with the nkey seed to sign in to NATS"),
    busKeysFile: option.string("file with the public nkeys of all services"),
    busCAFile: option.string(
      "PEM file of the roots that NATS' certificate leads to; with it, or with tls://HOST:PORT, only TLS is spoken",
    ),
    busReplicas: option.number("how many servers of the bus hold each bucket", 1),
    "bus-secrets": option.boolean("make the keys of the bus, and keep them in Secrets of the storage namespace", false),
    "bus-tls": option.boolean(
      "with --bus-secrets: make the certificate of NATS' servers, keep it in the Secret xebec-bus-tls, and speak TLS only",
      false,
    ),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
  aliases: { kubeconfig: "kube-config", "listened-namespace": "listened-namespaces" },
  // Flags of istio_ca whose effect is always there, or that no chart sets.
  ignored: {
    ...{ "append-dns-names": "switch", "sds-enabled": "switch", "grpc-hostname": "value", "custom-dns-names": "value" },
    ...{ "liveness-probe-path": "value", "liveness-probe-interval": "value", "probe-check-interval": "value" },
    ...{ "enable-profiling": "switch", ctrlz_port: "value", ctrlz_address: "value" },
    ...{ log_as_json: "switch", log_target: "value", log_caller: "value", log_stacktrace_level: "value" },
    ...{
      log_rotate: "value",
      log_rotate_max_age: "value",
      log_rotate_max_backups: "value",
      log_rotate_max_size: "value",
    },
  },
});

export type CitadelFlags = ConfigOf<typeof CitadelConfig>;

/** Whether the authority is kept in a cluster. */
export function isOnKubernetes(flags: CitadelFlags, env: NodeJS.ProcessEnv = process.env): boolean {
  if (flags.kubernetes !== "auto") return flags.kubernetes === "true";
  return flags["kube-config"] !== undefined || (env.KUBERNETES_SERVICE_HOST !== undefined && !flags["storage-dir"]);
}

const HOURS_A_DAY = 24;
/** No lifetime may be longer: X.509 knows no year after 9999, and nothing lives for a century. */
const LONGEST_MS = 36_500 * 86_400_000;

/**
 * Reads a duration as Go writes it (`1h30m`), which may begin with days (`90d`, `1d12h`).
 * @param flag names the option in the error
 * @returns milliseconds, above 0, at most a hundred years
 * @throws XebecError invalid_argument
 */
export function durationMs(text: string, flag: string): number {
  const ms = parseDuration(
    text.replace(/^(\d+(?:\.\d+)?)d(?=[\d.]|$)/, (_, days: string) => `${Number(days) * HOURS_A_DAY}h`),
  );
  if (ms === undefined || ms <= 0)
    throw new XebecError(
      "invalid_argument",
      `--${flag}: "${text}" is not a duration; write for example 90d, 24h or 30s`,
    );
  if (ms > LONGEST_MS)
    throw new XebecError("invalid_argument", `--${flag}: ${text} is longer than a hundred years (36500d)`);
  return ms;
}
