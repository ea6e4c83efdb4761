import type { Kind } from "../../kind.ts";
import { checkMeshConfig, checkMeshIdentity } from "./rules.ts";
import { MeshConfigSpec } from "./schema.ts";

export const meshConfig: Kind = {
  group: "mesh.xebec.io",
  kind: "MeshConfig",
  plural: "meshconfigs",
  versions: ["v1"],
  shortNames: [],
  description:
    "Settings of the whole mesh. The only one is `mesh` in the namespace of the control plane (`istio-system`), or the key `mesh` of the config map `istio` there.",
  schema: MeshConfigSpec,
  columns: [],
  check: checkMeshConfig,
  checkIdentity: checkMeshIdentity,
};
