import { CitadelConfig } from "@xebec/citadel-server";
import { GalleyConfig } from "@xebec/galley-server";
import { InjectorConfig } from "@xebec/injector-server";
import { PolicyConfig, TelemetryConfig } from "@xebec/mixer-server";
import { crdOf, kindOf } from "@xebec/model-resources";
import { PilotConfig } from "@xebec/pilot-xds-server";
import type { JsonSchema } from "./json-schema.ts";
import { optionsSchema } from "./options-schema.ts";
import { strictSchema } from "./strict-schema.ts";
import type { Known } from "./values-schema.ts";

export const PROFILES = ["default", "minimal", "demo", "remote", "ha", "istiod"] as const;

const STRINGS: JsonSchema = { type: "object", additionalProperties: { type: ["string", "number", "boolean"] } };
const COUNT: JsonSchema = { type: "integer", minimum: 0 };
const EXTERNAL_ADAPTER: JsonSchema = {
  type: "object",
  required: ["name", "image"],
  properties: {
    name: {
      description: "Of its Deployment and Service.",
      type: "string",
      pattern: "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
    },
    image: { description: "A name below hub, or a whole reference.", type: "string", minLength: 1 },
    serve: {
      description:
        "Folder of the adapter in an image that runs xebec; empty: the image runs `xebec adapter serve FOLDER`.",
      type: "string",
    },
    args: { description: "Arguments of its own, in place of those of `xebec adapter serve`.", type: "array" },
    bus: { description: "True: it answers on the bus and has no Service.", type: "boolean" },
    port: { description: "Its port of gRPC.", type: "integer", minimum: 1, maximum: 65_535 },
    replicaCount: COUNT,
    env: STRINGS,
    resources: { type: "object", additionalProperties: true },
  },
  additionalProperties: false,
};

/** What the defaults of the control plane's values do not show. */
export function controlPlaneKnown(): Known {
  const mesh = kindOf("mesh.xebec.io", "MeshConfig");
  if (!mesh) throw new Error("there is no kind MeshConfig");
  return {
    profile: { description: "The set of values below your own.", enum: PROFILES },
    meshConfig: {
      ...strictSchema(crdOf(mesh).spec.versions[0]?.schema.openAPIV3Schema.properties?.spec ?? {}),
      description: "Fields of MeshConfig; they win over what the other values make.",
    },
    "pilot.options": optionsSchema(PilotConfig),
    "security.options": optionsSchema(CitadelConfig),
    "galley.options": optionsSchema(GalleyConfig),
    "sidecarInjectorWebhook.options": optionsSchema(InjectorConfig),
    "mixer.policy.options": optionsSchema(PolicyConfig),
    "mixer.telemetry.options": optionsSchema(TelemetryConfig),
    "sidecarInjectorWebhook.nativeSidecars": {
      type: ["string", "boolean"],
      enum: ["auto", "true", "false", true, false],
    },
    "sidecarInjectorWebhook.failurePolicy": { enum: ["Fail", "Ignore"] },
    "sidecarInjectorWebhook.reinvocationPolicy": { enum: ["Never", "IfNeeded"] },
    "mixer.telemetry.loadshedding.mode": { enum: ["disabled", "logonly", "enforce"] },
    "mixer.adapters.external": { type: "array", items: EXTERNAL_ADAPTER },
    "global.imagePullPolicy": { enum: ["Always", "IfNotPresent", "Never"] },
    "global.outboundTrafficPolicy.mode": { enum: ["ALLOW_ANY", "REGISTRY_ONLY"] },
    "global.proxy.autoInject": { enum: ["enabled", "disabled"] },
    "global.proxy.accessLogEncoding": { enum: ["TEXT", "JSON"] },
    "*.resources": { type: "object", additionalProperties: true },
    "*.defaultResources": { type: "object", additionalProperties: true },
    "*.env": STRINGS,
    "*.podAnnotations": STRINGS,
    "*.podLabels": STRINGS,
    "*.serviceAccountAnnotations": STRINGS,
    "*.replicaCount": COUNT,
    "*.autoscaleMin": { type: "integer", minimum: 1 },
    "*.autoscaleMax": { type: "integer", minimum: 1 },
    "*.traceSampling": { type: "number", minimum: 0, maximum: 100 },
  };
}
