import { nodeOf } from "@xebec/model-schema";
import type { Kind, PrinterColumn, UnsupportedKind } from "../kind.ts";
import { KINDS, UNSUPPORTED_KINDS, unsupportedKindText } from "../kinds.ts";
import { keepingUnknown, type StructuralSchema, structuralSchema } from "./structural.ts";

interface CrdVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly additionalPrinterColumns: readonly object[];
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
  readonly subresources: { readonly status: object };
}

/** A CustomResourceDefinition of apiextensions.k8s.io/v1. */
export interface Crd {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: {
    readonly name: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
      readonly categories: readonly string[];
    };
    readonly scope: "Namespaced" | "Cluster";
    readonly versions: readonly CrdVersion[];
  };
}

const AGE = {
  name: "Age",
  jsonPath: ".metadata.creationTimestamp",
  type: "date",
  description: "When the object was created",
};

/** Kinds that Istio has CustomResourceDefinitions of: their objects are refused by the API server itself, with what to do instead. */
const REFUSED: ReadonlySet<string> = new Set(["networking.istio.io/ProxyConfig", "extensions.istio.io/WasmPlugin"]);

/** The CustomResourceDefinition of a kind; objects are stored in its newest version. */
export function crdOf(kind: Kind): Crd {
  return definition(kind, kind.columns, kind.clusterScoped ? "Cluster" : "Namespaced", {
    type: "object",
    description: kind.description,
    properties: {
      spec: keepingUnknown(structuralSchema(nodeOf(kind.schema))),
      // Whoever writes conditions into it has a structure of its own.
      status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
  });
}

/** The CustomResourceDefinition of a kind that is not supported: no object of it can be stored. */
function refusingCrdOf(kind: UnsupportedKind): Crd {
  const text = unsupportedKindText(kind);
  return definition(kind, [], "Namespaced", {
    type: "object",
    description: text,
    properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    "x-kubernetes-validations": [{ rule: "false", message: text }],
  });
}

/** The CustomResourceDefinitions of all kinds that are supported, and of those that Istio has and that are refused. */
export function allCrds(): Crd[] {
  const refused = UNSUPPORTED_KINDS.filter(({ group, kind }) => REFUSED.has(`${group}/${kind}`));
  return [...KINDS.map(crdOf), ...refused.map(refusingCrdOf)];
}

function definition(
  { group, kind, plural, shortNames, versions }: Kind | UnsupportedKind,
  columns: readonly PrinterColumn[],
  scope: Crd["spec"]["scope"],
  openAPIV3Schema: StructuralSchema,
): Crd {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural}.${group}`,
      // Uninstalling a chart must not delete all objects of the kind.
      annotations: { "helm.sh/resource-policy": "keep" },
      labels: { "app.kubernetes.io/part-of": "xebec" },
    },
    spec: {
      group,
      names: {
        ...{ kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
        ...(shortNames.length > 0 ? { shortNames } : {}),
        categories: categoriesOf(group, kind),
      },
      scope,
      versions: versions.map((version) => ({
        name: version,
        served: true,
        storage: version === versions.at(-1),
        additionalPrinterColumns: [...columns, AGE],
        schema: { openAPIV3Schema },
        subresources: { status: {} },
      })),
    },
  };
}

/** Groups of kinds for `kubectl get`, as Istio names them. */
function categoriesOf(group: string, kind: string): string[] {
  if (!group.endsWith(".istio.io")) return ["xebec"];
  const [first] = group.split(".");
  if (first !== "config") return ["istio-io", `${first}-istio-io`];
  return ["istio-io", /^(HTTPAPI|Quota)Spec/.test(kind) ? "apim-istio-io" : "policy-istio-io"];
}
