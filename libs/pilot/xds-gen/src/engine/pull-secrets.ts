import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { secretKey } from "@xebec/model-pki";
import { credentialOf } from "@xebec/pilot-snapshot";
import { encodedResource } from "../encode/resource.ts";
import { pluginsOf, pullSecretOf } from "../filter/wasm/plugins.ts";
import type { Scope } from "../scope/scope.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

/** The one field of the message. */
const DOCKER_CONFIG = 1;

/**
 * Credentials of registries, by `NAMESPACE/NAME` of their Secrets: those of the plugins that a proxy has, and no others.
 */
export function pullSecrets(scope: Scope, { names: { key, names } }: ResourceRequest): ResourceSet {
  return scope.cached(`set/pull-secrets/${key}`, (inner) =>
    resourceSet(
      names.flatMap((id) => {
        const users = pluginsOf(inner).filter((plugin) => pullSecretOf(plugin) === id);
        const [namespace = "", name = ""] = id.split("/");
        const found = users.length > 0 && inner.read(credentialOf, secretKey({ kind: "Secret", namespace, name }));
        if (!found || !found.registries) return [];
        const bytes = new BinaryWriter().tag(DOCKER_CONFIG, WireType.LengthDelimited).bytes(found.registries).finish();
        return [
          encodedResource(
            id,
            bytes,
            users.map((each) => each.key),
          ),
        ];
      }),
    ),
  );
}
