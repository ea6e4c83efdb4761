import { type Kind, NETWORKING_VERSIONS } from "../../kind.ts";
import { ineffectiveInSidecar } from "./ineffective.ts";
import { checkSidecar } from "./rules.ts";
import { SidecarSpec } from "./schema.ts";

export const sidecar: Kind = {
  group: "networking.istio.io",
  kind: "Sidecar",
  plural: "sidecars",
  versions: NETWORKING_VERSIONS,
  shortNames: [],
  description: "What the sidecars of a namespace serve and whom they call: the rest of the mesh costs them nothing.",
  schema: SidecarSpec,
  columns: [],
  check: checkSidecar,
  ineffective: ineffectiveInSidecar,
};
