import type { Analyzer } from "../analyzer.ts";
import { type Fields, fields, items, text } from "../object.ts";

/** Providers that are there without the mesh configuration naming them. */
const BUILT_IN = new Set(["envoy", "prometheus", "stackdriver"]);

/** Providers of telemetry are in the mesh configuration. */
export const telemetryProviders: Analyzer = {
  name: "telemetry.ProviderAnalyzer",
  analyze(world, report) {
    const known = new Set([...BUILT_IN, ...items(world.mesh.extensionProviders).map(({ name }) => text(name))]);
    for (const object of world.all("telemetry.istio.io", "Telemetry"))
      for (const section of ["accessLogging", "tracing", "metrics"])
        for (const [i, each] of items(object.spec[section]).entries())
          for (const [j, provider] of items(each.providers).entries()) {
            const name = text(provider.name);
            if (known.has(name)) continue;
            const what = `the provider "${name}" is not among the extensionProviders of the mesh configuration`;
            report("InvalidTelemetryProvider", object, what, ["spec", section, i, "providers", j, "name"]);
          }
  },
};

/** Networks name registries that are there. */
export const networkRegistries: Analyzer = {
  name: "meshnetworks.MeshNetworksAnalyzer",
  analyze(world, report) {
    for (const object of world.all("mesh.xebec.io", "MeshNetworks")) {
      const networks = fields(object.spec.networks);
      for (const [name, network] of Object.entries(networks) as [string, Fields][])
        for (const [i, endpoint] of items(fields(network).endpoints).entries()) {
          const registry = text(endpoint.fromRegistry);
          if (registry === "" || registry === "Kubernetes") continue;
          const what = `the network ${name} names the registry ${registry}, which is not known`;
          report("UnknownMeshNetworksServiceRegistry", object, what, ["spec", "networks", name, "endpoints", i]);
        }
    }
  },
};

/** Webhooks call services that are there. */
export const webhooks: Analyzer = {
  name: "webhook.Analyzer",
  analyze(world, report) {
    for (const kind of ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
      for (const object of world.all("admissionregistration.k8s.io", kind))
        for (const [i, webhook] of items(object.value.webhooks).entries()) {
          const service = fields(fields(webhook.clientConfig).service);
          const [namespace, name] = [text(service.namespace), text(service.name)];
          if (name === "" || world.find("", "Service", namespace, name)) continue;
          const what = `the webhook calls the Service ${namespace}/${name}, which is not found`;
          report("InvalidWebhook", object, what, ["webhooks", i, "clientConfig", "service"]);
        }
  },
};

/** What the services say of an object, when a mesh runs. */
export const conditions: Analyzer = {
  name: "conditions.ConditionAnalyzer",
  analyze(world, report) {
    for (const object of world.objects)
      for (const condition of items(fields(object.value.status).conditions)) {
        if (text(condition.status) !== "False") continue;
        const what = `the condition ${text(condition.type)} is False (${text(condition.reason)}): ${text(condition.message)}`;
        report("NegativeConditionStatus", object, what);
      }
  },
};
