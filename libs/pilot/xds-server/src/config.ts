import { defineConfig, option } from "@xebec/core-config";
import { trustDomainOf } from "@xebec/model-names";

/** Pilot's flags, with Istio 1.1's names (spec/pilot.md §6.1). */
export const PilotConfig = defineConfig({
  service: "pilot",
  summary: "serves xDS to the proxies of the mesh",
  options: {
    configDir: option.string("directory of YAML files to take the configuration from; then no bus is needed"),
    busURL: option.list("NATS servers that carry configuration and workloads, nats://HOST:PORT"),
    busSeedFile: option.string("file with the nkey seed to sign in to NATS"),
    busKeysFile: option.string("file with the public nkeys of all services, to verify who wrote a signed state"),
    grpcAddr: option.string("address of plaintext xDS; empty for none", ":15010"),
    secureGrpcAddr: option.string("address of xDS over mutual TLS; empty for none", ":15012"),
    httpAddr: option.string("address of /ready and the debug pages", ":8080"),
    monitoringAddr: option.string("address of metrics, health and log levels", ":15014"),
    domain: option.string("DNS suffix of Kubernetes services", "cluster.local"),
    "trust-domain": option.string("trust domain of SPIFFE identities", "cluster.local", { read: trustDomainOf }),
    registries: option.list("platform service registries: Bus takes services and pods from the bus"),
    caAddr: option.string("citadel's address, HOST:PORT, to get the certificate of the secure port from"),
    caRootFile: option.string("root certificate to verify citadel with"),
    caTokenFile: option.string("file with the token that proves to citadel who this is"),
    stateDir: option.string("directory of the last good state and of the certificate"),
    log_output_level: option.string("log levels, scope:level[,scope:level]", "default:info"),
  },
});
