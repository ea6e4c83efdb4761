import { join } from "node:path";
import { citadelComponents } from "@xebec/citadel-server";
import { mainConfig } from "@xebec/core-config";
import { serviceMain } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { galleyComponents, secretDirectory } from "@xebec/galley-server";
import { injectorComponents } from "@xebec/injector-server";
import { policyComponents, telemetryComponents } from "@xebec/mixer-server";
import { pilotComponents, TODAYS_NAMES } from "@xebec/pilot-xds-server";
import { createBridge, createMemoryBus, openBus } from "@xebec/platform-bus";
import { renewTokens, serviceIdentity } from "@xebec/platform-identity";
import { openKubeClient } from "@xebec/platform-kube";
import { IstiodConfig, serviceConfigs } from "./config.ts";
import { writeTokens } from "./tokens.ts";

const config = mainConfig(IstiodConfig);
await serviceMain("istiod", async () => {
  const stateDir = config.stateDir ?? join(process.cwd(), ".istiod");
  const tokenFile = join(stateDir, "tokens", "token");
  const rootFile = join(stateDir, "citadel", "root-cert.pem");
  const tokens = (): Promise<void> => writeTokens(join(stateDir, "citadel"), tokenFile);
  await tokens();
  renewTokens(tokens);
  const { pilot, galley, citadel, injector, policy, telemetry } = serviceConfigs(config, {
    stateDir,
    tokenFile,
    rootFile,
  });

  const client = config.kubernetes ? await openKubeClient(config) : undefined;
  const kube = client ? { client } : {};
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
    const own = serviceIdentity(flags, { serverName: `istio-${service}.istio-system.svc`, otherNames, metrics });
    return { metrics, components: own ? [own] : [], tls: own ? { tls: own } : {} };
  };
  const of = {
    pilot: identity(pilot, "pilot", TODAYS_NAMES),
    galley: identity(galley, "galley"),
    injector: identity(injector, "sidecar-injector"),
    policy: identity(policy, "policy"),
    telemetry: identity(telemetry, "telemetry"),
  };

  return [
    bus,
    ...bridge,
    ...citadelComponents({ config: citadel, bus, ...kube }),
    ...Object.values(of).flatMap((each) => each.components),
    // With a bus, whoever runs the pods publishes their Secrets, too.
    ...(outer || client ? [] : secretDirectory(config.configDir, bus)),
    ...galleyComponents({ config: galley, bus, metrics: of.galley.metrics, ...of.galley.tls, ...kube }),
    ...pilotComponents({ config: pilot, bus, metrics: of.pilot.metrics, ...of.pilot.tls }),
    ...injectorComponents({ config: injector, bus, metrics: of.injector.metrics, ...of.injector.tls }),
    ...(await policyComponents({ config: policy, bus, metrics: of.policy.metrics, ...of.policy.tls })),
    ...(await telemetryComponents({ config: telemetry, bus, metrics: of.telemetry.metrics, ...of.telemetry.tls })),
  ];
});
