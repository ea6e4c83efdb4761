import { type Static, Type } from "typebox";
import { literals } from "./common.ts";

/** The parts of Kubernetes' own kinds that are looked at here; all other fields are left alone. */
const open = { additionalProperties: true } as const;

/** Mesh configuration as a ConfigMap named `istio` with key `mesh` holds it, parsed (docs/reference/pilot.md §3.13). */
export const MeshConfigSpec = Type.Object(
  {
    rootNamespace: Type.Optional(Type.String()),
    trustDomain: Type.Optional(Type.String()),
    accessLogFile: Type.Optional(Type.String()),
    accessLogFormat: Type.Optional(Type.String()),
    accessLogEncoding: Type.Optional(literals("TEXT", "JSON")),
    connectTimeout: Type.Optional(Type.String({ pattern: "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$" })),
    enableAutoMtls: Type.Optional(Type.Boolean()),
    outboundTrafficPolicy: Type.Optional(Type.Object({ mode: Type.Optional(literals("ALLOW_ANY", "REGISTRY_ONLY")) })),
    policyCheckFailOpen: Type.Optional(Type.Boolean()),
    disablePolicyChecks: Type.Optional(Type.Boolean()),
    disableReports: Type.Optional(Type.Boolean()),
  },
  open,
);
export type MeshConfigSpec = Static<typeof MeshConfigSpec>;
