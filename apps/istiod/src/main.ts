import { join } from "node:path";
import { citadelComponents } from "@xebec/citadel-server";
import { mainConfig, parseAddress } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { galleyComponents, managesWebhook, secretDirectory } from "@xebec/galley-server";
import { injectorComponents } from "@xebec/injector-server";
import { policyComponents, telemetryComponents } from "@xebec/mixer-server";
import { pilotComponents, todaysNames } from "@xebec/pilot-xds-server";
import { createBridge, createMemoryBus, openBus } from "@xebec/platform-bus";
import { monitoring } from "@xebec/platform-http";
import { renewTokens, serviceIdentity } from "@xebec/platform-identity";
import { clientReviews, openKubeClient } from "@xebec/platform-kube";
import { IstiodConfig, type IstiodPaths, serviceConfigs, splitArguments } from "./config.ts";
import { writeTokens } from "./tokens.ts";

const { own, ofServices } = splitArguments(process.argv.slice(2));
let configs: ReturnType<typeof serviceConfigs> | undefined;
const config = mainConfig(IstiodConfig, own, (each) => {
  configs = serviceConfigs(each, pathsOf(each), ofServices);
});
await serviceMain("istiod", async () => {
  const { stateDir, tokenFile } = pathsOf(config);
  const tokens = (): Promise<void> => writeTokens(join(stateDir, "citadel"), config.namespace, tokenFile);
  await tokens();
  renewTokens(tokens);
  const { pilot, galley, citadel, injector, policy, telemetry } = configs as ReturnType<typeof serviceConfigs>;

  const client = config.kubernetes ? await openKubeClient(config) : undefined;
  const kube = client ? { client } : {};
  const webhook = client && managesWebhook(galley, process.env) ? { webhookClient: client } : {};
  const bus = createMemoryBus();
  const outer = config.busURL.length > 0 ? await openBus(config, "pilot", createMetrics()) : undefined;
  const bridge = outer
    ? [
        outer,
        createBridge({
          inner: bus,
          outer,
          incoming: ["workloads", "secrets"],
          outgoing: ["status"],
          requests: ["proxies"],
        }),
      ]
    : [];
  const identity = (
    flags: Parameters<typeof serviceIdentity>[0],
    service: string,
    otherNames: readonly string[] = [],
  ) => {
    const metrics = createMetrics();
    const names = { serverName: `istio-${service}.${config.namespace}.svc`, otherNames };
    const tls = serviceIdentity(flags, { ...names, metrics });
    return { metrics, components: tls ? [tls] : [], tls: tls ? { tls } : {} };
  };
  const of = {
    pilot: identity(pilot, "pilot", todaysNames(config.namespace)),
    galley: identity(galley, "galley"),
    injector: identity(injector, "sidecar-injector"),
    policy: identity(policy, "policy"),
    telemetry: identity(telemetry, "telemetry"),
  };

  const services = [
    bus,
    ...bridge,
    ...citadelComponents({ config: citadel, bus, ...kube }),
    ...Object.values(of).flatMap((each) => each.components),
    // With a bus, whoever runs the pods publishes their Secrets, too.
    ...(outer || client ? [] : secretDirectory(config.configDir, bus)),
    ...galleyComponents({ config: galley, bus, metrics: of.galley.metrics, ...of.galley.tls, ...kube, ...webhook }),
    ...pilotComponents({
      ...{ config: pilot, bus, metrics: of.pilot.metrics, ...of.pilot.tls },
      ...(client ? clientReviews(client, config["trust-domain"]) : {}),
    }),
    ...injectorComponents({ config: injector, bus, metrics: of.injector.metrics, ...of.injector.tls, ...kube }),
    ...(await policyComponents({ config: policy, bus, metrics: of.policy.metrics, ...of.policy.tls })),
    ...(await telemetryComponents({ config: telemetry, bus, metrics: of.telemetry.metrics, ...of.telemetry.tls })),
  ];
  if (config.healthAddr === "") return services;
  const health = { address: parseAddress(config.healthAddr), components: services, metrics: createMetrics() };
  return [monitoring({ name: "istiod", ...health }), ...services];
});

/** Where the process keeps its files. */
function pathsOf({ stateDir = join(process.cwd(), ".istiod") }: typeof config): IstiodPaths {
  return {
    stateDir,
    tokenFile: join(stateDir, "tokens", "token"),
    rootFile: join(stateDir, "citadel", "root-cert.pem"),
  };
}
