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
