import { defineConfig, option } from "@xebec/core-config";

/** Galley's flags, with Istio 1.1's names (docs/reference/platform.md §3.2). */
export const GalleyConfig = defineConfig({
  service: "galley",
  summary: "takes configuration in, validates it, and publishes it",
  options: {
    configPath: option.directory("directory of YAML files to watch"),
    busURL: option.servers("NATS servers to publish to, nats://HOST:PORT"),
    busSeedFile: option.string("file with the nkey seed to sign in to NATS"),
    busKeysFile: option.string("file with the public nkeys of all services, to verify who wrote a signed bucket"),
    "enable-validation": option.boolean("serve the validating webhook", true),
    "validation-address": option.string("address that the webhook binds", "0.0.0.0"),
    "validation-port": option.port("port of the webhook (Istio's 443 is the Service's port)", 9443),
    tlsCertFile: option.string("certificate chain of the webhook"),
    tlsKeyFile: option.string("private key of the webhook"),
    caAddr: option.address(
      "citadel's address, HOST:PORT, to get the webhook's certificate from when no files are given",
    ),
    caRootFile: option.string("root certificate to verify citadel with"),
    caTokenFile: option.string("file with the token that proves to citadel who this is"),
    monitoringAddress: option.string("address that the monitoring port binds", "0.0.0.0"),
    monitoringPort: option.port("port of metrics, health and log levels", 15014),
    domain: option.string("DNS suffix of Kubernetes services", "cluster.local"),
    stateDir: option.string("directory of the last known good objects"),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
});
